package io.replicate.nbd.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.replicate.core.memory.MemoryVolume;
import io.replicate.core.spi.Locator;
import io.replicate.nbd.server.Export;
import io.replicate.nbd.server.NbdServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

@Isolated // it looks for threads of clients
class ClientLoopsTest {
    @Test
    void threadsEndWithTheLastClientAndBeginAgainWithTheNext() throws Exception {
        try (NbdServer server = NbdServer.builder()
                .export(Export.of("", new MemoryVolume("loops", 4096)))
                .tcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .start()) {
            final NbdAddress address = NbdAddress.of(Locator.parse("nbd://127.0.0.1:" + server.port()));
            for (int again = 0; again < 2; again++) {
                try (NbdVolume one = NbdVolume.open(address)) {
                    NbdVolume.open(address).close();
                    one.read(0, ByteBuffer.allocateDirect(4096));
                    assertThat(clientThreads()).isPositive();
                }
                await().atMost(Duration.ofSeconds(30))
                        .untilAsserted(() -> assertThat(clientThreads()).isZero());
            }
        }
    }

    private static long clientThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("nbd-client"))
                .count();
    }
}
