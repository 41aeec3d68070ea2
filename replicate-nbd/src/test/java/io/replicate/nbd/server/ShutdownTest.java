package io.replicate.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.memory.MemoryVolume;
import io.replicate.nbd.protocol.Nbd;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(240)
class ShutdownTest {
    private static final int ESHUTDOWN = 108;
    private static final int SLOW = 7;
    private static final int SIZE = 1 << 20;

    @Test
    void whatIsUnderWayIsAnsweredAndWhatComesMeanwhileIsRefused() throws Exception {
        final CountDownLatch reached = new CountDownLatch(1);
        final CountDownLatch gate = new CountDownLatch(1);
        final var volume = Intercepted.volume(new MemoryVolume("slow", SIZE), (call, arguments) -> {
            if ("trim".equals(call)) {
                reached.countDown();
                await(gate);
            }
        });
        final NbdServer server = NbdServer.builder()
                .export(Export.of("", volume))
                .tcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .start();
        try (RawClient c = new RawClient(server.port()).simple("")) {
            c.request(0, Nbd.CMD_TRIM, SLOW, 0, 4096);
            await(reached);
            final CompletableFuture<Void> closing = CompletableFuture.runAsync(() -> close(server));
            int error = 0;
            for (int cookie = 100; error == 0; cookie++) { // until the server has begun to stop
                c.request(0, Nbd.CMD_CACHE, cookie, 0, 4096);
                error = c.simpleReply(cookie);
            }
            assertThat(error).isEqualTo(ESHUTDOWN);
            c.request(0, Nbd.CMD_WRITE, 1, 0, 4, (byte) 1, (byte) 2, (byte) 3, (byte) 4);
            assertThat(c.simpleReply(1)).isEqualTo(ESHUTDOWN);

            gate.countDown();

            assertThat(c.simpleReply(SLOW)).isZero();
            assertThat(c.atEnd()).isTrue();
            closing.get(30, TimeUnit.SECONDS);
        } finally {
            gate.countDown();
            server.close();
        }
    }

    private static void await(CountDownLatch latch) throws IOException {
        try {
            if (!latch.await(30, TimeUnit.SECONDS)) {
                throw new IOException("nothing came for 30 s");
            }
        } catch (final InterruptedException e) {
            throw new IOException(e);
        }
    }

    private static void close(NbdServer server) {
        try {
            server.close();
        } catch (final IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
