package io.replicate.examples.bench;

import com.sun.management.OperatingSystemMXBean;
import io.replicate.core.posix.NativeFile;
import io.replicate.delta.cow.StreamWriter;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The bare input and output that an extract and a merge cannot do without: the same chunks, in the same (ascending) order,
 * as many at a time, and nothing else. In this process, which is warm: that favours these.
 */
final class ScatteredIo {
    private static final int CHUNK = DeltaImages.CHUNK;
    private static final int WINDOW_CHUNKS = (1 << 20) / CHUNK;
    private static final double NS = 1e9;

    private final long[] chunks;

    /** @param chunks ascending. */
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

    /** Reads every chunk around the page cache, as many at a time as an extract does. */
    Interleaved.Run readDirect(final Path image) throws IOException, InterruptedException {
        return measure(() -> {
            try (NativeFile file = NativeFile.open(image, NativeFile.Option.READ, NativeFile.Option.DIRECT)) {
                final AtomicInteger next = new AtomicInteger();
                final ExecutorService readers = Executors.newFixedThreadPool(StreamWriter.READS_UNDER_WAY);
                try {
                    final Callable<Void> reader = () -> {
                        readWindows(file, next);
                        return null;
                    };
                    final List<Callable<Void>> all = new ArrayList<>();
                    for (int i = 0; i < StreamWriter.READS_UNDER_WAY; i++) {
                        all.add(reader);
                    }
                    for (final Future<Void> done : readers.invokeAll(all)) {
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

    private void readWindows(final NativeFile file, final AtomicInteger next) throws IOException {
        final ByteBuffer buffer = ByteBuffer.allocateDirect(2 * CHUNK).alignedSlice(CHUNK);
        for (int from = next.getAndAdd(WINDOW_CHUNKS); from < chunks.length; from = next.getAndAdd(WINDOW_CHUNKS)) {
            for (int i = from; i < Math.min(chunks.length, from + WINDOW_CHUNKS); i++) {
                file.read(buffer.clear().limit(CHUNK), chunks[i] * CHUNK);
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
