package io.replicate.examples.bench;

import com.sun.management.OperatingSystemMXBean;
import io.replicate.core.posix.Alignment;
import io.replicate.core.posix.NativeFile;
import io.replicate.core.posix.Pieces;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Collections;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The bare input and output that an extract and a merge cannot do without: the same chunks, in the same order, and nothing
 * else. In this process, which is warm: that favours these.
 */
final class ScatteredIo {
    private static final int CHUNK = DeltaImages.CHUNK;
    private static final int THREADS = 16;
    private static final int FEW_THREADS = 4;
    private static final int AT_ONCE = 64;
    private static final int WINDOW_CHUNKS = (1 << 20) / CHUNK;
    private static final double NS = 1e9;

    private final long[] chunks;

    /** @param chunks in the order in which they are read, or written. */
    ScatteredIo(final long[] chunks) {
        this.chunks = chunks.clone();
    }

    private interface Work {
        void run() throws IOException, InterruptedException;
    }

    private static Interleaved.Run measure(final Work work) throws IOException, InterruptedException {
        final OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        final long cpu = system.getProcessCpuTime();
        final long from = System.nanoTime();
        work.run();
        return new Interleaved.Run((System.nanoTime() - from) / NS, (system.getProcessCpuTime() - cpu) / NS);
    }

    /** Reads every chunk around the page cache, one by each of many threads at a time. */
    Interleaved.Run readByThreads(final Path image) throws IOException, InterruptedException {
        return readDirect(image, THREADS, 1);
    }

    /** Reads every chunk around the page cache, many by one system call, by a few threads. */
    Interleaved.Run readTogether(final Path image) throws IOException, InterruptedException {
        return readDirect(image, FEW_THREADS, AT_ONCE);
    }

    private Interleaved.Run readDirect(final Path image, final int threads, final int atOnce)
            throws IOException, InterruptedException {
        return measure(() -> {
            try (NativeFile file = NativeFile.open(image, NativeFile.Option.READ, NativeFile.Option.DIRECT)) {
                final AtomicInteger next = new AtomicInteger();
                final Callable<Void> reader = () -> {
                    readWindows(file, next, atOnce);
                    return null;
                };
                final ExecutorService readers = Executors.newFixedThreadPool(threads);
                try {
                    for (final Future<Void> done : readers.invokeAll(Collections.nCopies(threads, reader))) {
                        done.get();
                    }
                } catch (final ExecutionException e) {
                    throw new IOException(e.getCause());
                } finally {
                    readers.shutdown();
                }
            }
        });
    }

    private void readWindows(final NativeFile file, final AtomicInteger next, final int atOnce) throws IOException {
        final ByteBuffer buffer = Alignment.buffer(atOnce * CHUNK);
        final Pieces pieces = new Pieces(atOnce);
        for (int from = next.getAndAdd(AT_ONCE); from < chunks.length; from = next.getAndAdd(AT_ONCE)) {
            final int end = Math.min(chunks.length, from + AT_ONCE);
            for (int i = from; i < end; ) {
                pieces.clear();
                for (int n = 0; n < atOnce && i < end; n++) {
                    pieces.add(chunks[i++] * CHUNK, n * CHUNK, CHUNK);
                }
                file.readAll(pieces, buffer);
            }
        }
    }

    /** Writes every chunk, neighbours as one, and makes it durable; the data comes from the page cache. */
    Interleaved.Run writeSorted(final Path source, final Path target) throws IOException, InterruptedException {
        return measure(() -> {
            final ByteBuffer buffer = ByteBuffer.allocateDirect(WINDOW_CHUNKS * CHUNK);
            try (NativeFile to = NativeFile.open(target, NativeFile.Option.READ, NativeFile.Option.WRITE);
                    NativeFile from = NativeFile.open(source, NativeFile.Option.READ)) {
                for (int i = 0, n; i < chunks.length; i += n) {
                    n = 1;
                    while (i + n < chunks.length && chunks[i + n] == chunks[i] + n && n < WINDOW_CHUNKS) {
                        n++;
                    }
                    from.read(buffer.clear().limit(n * CHUNK), chunks[i] * CHUNK);
                    to.write(buffer.flip(), chunks[i] * CHUNK);
                }
                to.datasync();
            }
        });
    }
}
