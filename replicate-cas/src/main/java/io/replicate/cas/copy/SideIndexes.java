package io.replicate.cas.copy;

import io.replicate.cas.index.DigestTable;
import io.replicate.cas.store.CasStore;
import io.replicate.core.job.Retry;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Reads the indexes of all places of both sides at once. */
final class SideIndexes {
    private static final int MAX_AT_ONCE = 32;
    private static final Duration RETRY_BUDGET = Duration.ofSeconds(2);

    /** What is done when an index has been read to its end. */
    interface Done {
        void indexRead();
    }

    private SideIndexes() {}

    /** Reads one index into a table. */
    record Job(CasStore store, int place, String prefix, BlockFilter filter, DigestTable into, boolean byDevice) {

        /** Returns the job that notes the place itself, also where another place stands for its device. */
        Job atEachPlace() {
            return new Job(store, place, prefix, filter, into, false);
        }

        void run(final Retry retry) throws IOException {
            // A second attempt adds lines again that the first one had added: the table merges them.
            final int device = into.places() > 0 && byDevice ? store.deviceOf(place) : place;
            retry.call(() -> {
                store.index(place, prefix, (hash, sizeBytes, mtimeNs) -> {
                    if (filter.takesEntry(hash, mtimeNs)) {
                        into.add(hash, sizeBytes, device);
                    }
                });
                return Boolean.TRUE;
            });
        }
    }

    /** Returns the jobs that fill a table with all indexes of a store. */
    static List<Job> of(final CasStore store, final String prefix, final BlockFilter filter, final DigestTable into) {
        final List<Job> jobs = new ArrayList<>();
        for (int place = 0; place < store.places().size(); place++) {
            jobs.add(new Job(store, place, prefix, filter, into, true));
        }
        return jobs;
    }

    /** Runs the jobs; the first failure ends all. */
    static void run(final List<Job> jobs, final Cancellation cancellation, final Done done) throws IOException {
        final Cancellation stop = new Cancellation();
        final Retry retry = new Retry(RETRY_BUDGET, stop);
        final ExecutorService threads = Executors.newFixedThreadPool(
                Math.max(1, Math.min(MAX_AT_ONCE, jobs.size())),
                new io.netty.util.concurrent.DefaultThreadFactory("index", true));
        try {
            final CompletionService<Boolean> service = new ExecutorCompletionService<>(threads);
            final List<Future<Boolean>> futures = new ArrayList<>();
            for (final Job job : jobs) {
                final Callable<Boolean> task = () -> {
                    cancellation.check();
                    job.run(retry);
                    return Boolean.TRUE;
                };
                futures.add(service.submit(task));
            }
            for (int i = 0; i < futures.size(); i++) {
                service.take().get();
                done.indexRead();
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(
                    ReplicationException.Category.CANCELLED, "interrupted while reading indexes", e);
        } catch (final ExecutionException e) {
            final Throwable cause = e.getCause();
            if (cause instanceof IOException failure) {
                throw failure;
            }
            throw ReplicationException.fail("reading indexes: " + cause, cause);
        } finally {
            stop.cancel();
            threads.shutdownNow();
        }
    }
}
