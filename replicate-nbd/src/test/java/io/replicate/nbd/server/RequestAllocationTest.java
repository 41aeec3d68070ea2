package io.replicate.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.netty.util.ResourceLeakDetector;
import io.replicate.core.file.FileVolume;
import io.replicate.nbd.protocol.Nbd;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/** A request needs no memory of the heap: its buffer is pooled, and so is all that goes with it. */
@Timeout(240)
@Isolated // it counts what all threads of servers allocate
class RequestAllocationTest {
    private static final int BLOCK = 4096;
    private static final int BLOCKS = 1024;
    private static final int DEPTH = 32;
    private static final int WARM_UP = 20_000;
    private static final int REQUESTS = 100_000;
    private static final int ROUNDS = 10;
    /** What the test's own view of the threads, timers and compiled code may add, in bytes for each request. */
    private static final double NOISE = 16;

    @TempDir
    Path directory = Path.of("");

    private ResourceLeakDetector.Level level = ResourceLeakDetector.Level.DISABLED;

    @BeforeEach
    void stopTracking() {
        level = ResourceLeakDetector.getLevel();
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED); // it keeps records of each buffer
    }

    @AfterEach
    void trackAgain() {
        ResourceLeakDetector.setLevel(level);
    }

    /** Returns what a request costs once the compilers, which take their time on a busy machine, are done with its code. */
    private double allocatedPerRequest(int type, double limit) throws Exception {
        final Path file = directory.resolve("disk");
        final byte[] content = new byte[BLOCK * BLOCKS];
        new Random(3).nextBytes(content);
        Files.write(file, content);
        try (FileVolume volume = FileVolume.open(file, false, FileVolume.Mode.READ_WRITE);
                NbdServer server = NbdServer.builder()
                        .export(Export.of("", volume))
                        .tcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                        .start();
                RawClient client = new RawClient(server.port()).simple("")) {
            run(client, type, WARM_UP);
            double least = Double.MAX_VALUE;
            for (int round = 0; round < ROUNDS && least >= limit; round++) {
                final long before = allocated();
                run(client, type, REQUESTS);
                least = Math.min(least, (allocated() - before) / (double) REQUESTS);
            }
            return least;
        }
    }

    private static long allocated() {
        final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long bytes = 0;
        for (final Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("nbd-")) {
                bytes += threads.getThreadAllocatedBytes(thread.getId());
            }
        }
        return bytes;
    }

    private static void run(RawClient client, int type, int requests) throws Exception {
        final int payload = type == Nbd.CMD_WRITE ? BLOCK : 0;
        final ByteBuffer batch = ByteBuffer.allocate(DEPTH * (Nbd.REQUEST_HEADER + payload));
        final int answer = type == Nbd.CMD_READ ? BLOCK : 0;
        final byte[] replies = new byte[DEPTH * (Nbd.SIMPLE_REPLY_HEADER + answer)];
        for (int done = 0; done < requests; done += DEPTH) {
            batch.clear();
            for (int i = 0; i < DEPTH; i++) {
                batch.putInt(Nbd.REQUEST_MAGIC).putShort((short) 0).putShort((short) type);
                batch.putLong(done + i)
                        .putLong((done * 7L + i) % BLOCKS * BLOCK)
                        .putInt(BLOCK);
                batch.position(batch.position() + payload);
            }
            client.out.write(batch.array());
            client.out.flush();
            client.in.readFully(replies);
        }
    }

    @Test
    void readsAllocateNothing() throws Exception {
        assertThat(allocatedPerRequest(Nbd.CMD_READ, NOISE)).isLessThan(NOISE);
    }

    @Test
    void writesAllocateNothing() throws Exception {
        assertThat(allocatedPerRequest(Nbd.CMD_WRITE, NOISE)).isLessThan(NOISE);
    }

    @Test
    void whatGoesToAWorkerAllocatesItsPlaceInTheQueue() throws Exception {
        assertThat(allocatedPerRequest(Nbd.CMD_CACHE, 8 * NOISE)).isLessThan(8 * NOISE);
    }
}
