package io.replicate.ring.internal;

import io.replicate.core.spi.Link;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Those who have connected and not yet said who they are, a thread for each. A newcomer is always heard: where there are
 * too many, the one who has been silent for longest is turned away, of the host that has most of them. So nobody keeps a
 * member of the ring out by connecting and saying nothing. Thread-safe.
 */
final class Greeters implements AutoCloseable {
    private static final int MAX_SILENT = 64;
    private static final int MAX_THREADS = 4 * MAX_SILENT;

    /** By arrival, with the host that they come from. */
    private final Map<Link, String> silent = new LinkedHashMap<>();

    private final ThreadPoolExecutor threads =
            new ThreadPoolExecutor(0, MAX_THREADS, 5, TimeUnit.SECONDS, new SynchronousQueue<>(), work -> {
                final Thread thread = new Thread(work, "ring-greet");
                thread.setDaemon(true);
                return thread;
            });

    /** Hears a newcomer, on a thread of its own; {@code talk} closes the link unless somebody else has taken it over. */
    void greet(final Link link, final Consumer<Link> talk) {
        final @Nullable Link turnedAway = arrived(link);
        if (turnedAway != null) {
            close(turnedAway);
        }
        try {
            threads.execute(() -> {
                try {
                    talk.accept(link);
                } finally {
                    known(link);
                }
            });
        } catch (final RejectedExecutionException e) {
            known(link);
            close(link);
        }
    }

    /** Notes that a newcomer has said, and proven, who he is: now he cannot be turned away for others. */
    synchronized void known(final Link link) {
        silent.remove(link);
    }

    private synchronized @Nullable Link arrived(final Link link) {
        @Nullable Link turnedAway = null;
        if (silent.size() >= MAX_SILENT) {
            turnedAway = oldestOf(mostFrequentHost());
            silent.remove(turnedAway);
        }
        silent.put(link, hostOf(link));
        return turnedAway;
    }

    private String mostFrequentHost() {
        final Map<String, Integer> counts = new HashMap<>();
        silent.values().forEach(host -> counts.merge(host, 1, Integer::sum));
        return counts.entrySet().stream()
                .max(Map.Entry.comparingByValue())
                .map(Map.Entry::getKey)
                .orElseThrow();
    }

    private @Nullable Link oldestOf(final String host) {
        for (final Map.Entry<Link, String> entry : silent.entrySet()) {
            if (entry.getValue().equals(host)) {
                return entry.getKey();
            }
        }
        return null;
    }

    private static String hostOf(final Link link) {
        final String address = link.peer().address();
        final int port = address.lastIndexOf(':');
        return port < 0 ? address : address.substring(0, port);
    }

    private static void close(final Link link) {
        new Wire(link).close();
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
