package io.replicate.core.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What counts as silence is that no content comes, whatever else does. */
class TlsSilenceTest {
    /** In TLS 1.3 a new handshake is an update of the keys: something is received, and nothing to hand on. */
    @Test
    void aPeerThatSendsNothingButNewKeysIsSilent(@TempDir final Path directory) throws Exception {
        final Locator locator = Locator.parse("tls://127.0.0.1:0?secret-file="
                + TlsSecretTransportTest.secretFile(directory.resolve("peers"), "correct horse battery"));
        final TlsTransport transport = TlsTransport.of(locator);
        try (Listener listener = transport.listen(locator);
                Link flooding = transport.connect(listener.local(), Duration.ofSeconds(20));
                Link far = Objects.requireNonNull(listener.accept(Duration.ofSeconds(20)))) {
            final Thread flood = new Thread(() -> {
                try {
                    while (true) {
                        ((TlsLink) flooding).handshake(Deadline.in(Duration.ofSeconds(20)));
                    }
                } catch (final IOException e) {
                    // the other side has closed
                }
            });
            flood.setDaemon(true);
            flood.start();
            far.timeout(Duration.ofMillis(300));

            assertTimeoutPreemptively(
                    Duration.ofSeconds(60),
                    () -> assertThatThrownBy(() -> far.receive(ByteBuffer.allocate(100)))
                            .isInstanceOfSatisfying(
                                    ReplicationException.class,
                                    e -> assertThat(e.category()).isEqualTo(ReplicationException.Category.RETRY)));
        }
    }
}
