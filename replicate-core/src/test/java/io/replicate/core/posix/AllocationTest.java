package io.replicate.core.posix;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The data path makes no garbage. */
class AllocationTest {
    private static final int ROUNDS = 2000;
    /** Room for what a class initialiser or the measurement itself takes once. */
    private static final long TOLERATED_BYTES = 16L * ROUNDS;

    @TempDir
    private Path directory = Path.of("");

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private final Posix posix = Posix.get();
    private final Memory data = Memory.random(65_536, 7);

    private interface Step {
        void run() throws IOException;
    }

    private void assertNoGarbage(Step step) throws IOException {
        for (int round = 0; round < ROUNDS; round++) {
            step.run();
        }
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int round = 0; round < ROUNDS; round++) {
            step.run();
        }
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(TOLERATED_BYTES);
    }

    private NativeFile open(String name) throws IOException {
        NativeFile file = NativeFile.open(
                directory.resolve(name), NativeFile.Option.READ, NativeFile.Option.WRITE, NativeFile.Option.CREATE);
        file.pwrite(data.address(), data.size(), 0);
        return file;
    }

    @Test
    void positionalTransfersAllocateNothing() throws IOException {
        long address = data.address();
        try (NativeFile file = open("file")) {
            assertNoGarbage(() -> {
                file.pwrite(address, 4096, 8192);
                file.pread(address, 4096, 0);
                file.readCached(address, 4096, 0);
                file.zero(0, 4096, ZeroMode.KEEP_ALLOCATED);
                file.size();
            });
        }
    }

    @Test
    void buffersAllocateNothing() throws IOException {
        try (NativeFile file = open("file")) {
            assertNoGarbage(() -> {
                file.write(data.buffer().clear(), 0);
                file.read(data.buffer().clear(), 0);
            });
        }
    }

    @Test
    void splicesAllocateNothing() throws IOException {
        try (NativeFile source = open("source");
                NativeFile target = open("target");
                Pipe first = Pipe.open(posix, 65_536, true);
                Pipe second = Pipe.open(posix, 65_536, true)) {
            int in = source.fd().acquire();
            int out = target.fd().acquire();
            int firstSink = first.sink().acquire();
            int firstSource = first.source().acquire();
            int secondSink = second.sink().acquire();
            int secondSource = second.source().acquire();
            long address = data.address();
            assertNoGarbage(() -> {
                requireWhole(posix.splice(in, 0, firstSink, Posix.CURRENT, 4096, 0));
                requireWhole(posix.tee(firstSource, secondSink, 4096, 0));
                requireWhole(posix.splice(firstSource, Posix.CURRENT, out, 4096, 4096, 0));
                requireWhole(posix.read(secondSource, address, 4096));
                requireWhole(posix.copyFileRange(in, 0, out, 0, 4096));
                posix.poll(secondSource, Linux.POLLIN, 0);
            });
            source.fd().release();
            target.fd().release();
            first.sink().release();
            first.source().release();
            second.sink().release();
            second.source().release();
        }
    }

    private static void requireWhole(long result) throws PosixException {
        PosixException.check(result == 4096 ? 0 : -Errnos.EIO, "transfer", "4096 bytes");
    }
}
