package io.replicate.core.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(240)
class UnixPathTest {

    @TempDir
    Path directory;

    private Path path;

    @BeforeEach
    void name() {
        path = directory.resolve("socket");
    }

    private static Listener listen(final Path path) throws IOException {
        final Locator locator = Locator.parse("unix:" + path);
        return SocketTransport.of(locator).listen(locator);
    }

    private static void leaveStaleSocket(final Path path) throws IOException {
        try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            dead.bind(UnixDomainSocketAddress.of(path)); // Java leaves the file
        }
        assertThat(path).exists();
    }

    @Test
    void theSocketGoesWithItsListener() throws Exception {
        try (Listener listener = listen(path)) {
            assertThat(path).exists();
            assertThat(listener.local()).hasToString("unix:" + path);
        }
        assertThat(path).doesNotExist();
    }

    @Test
    void aSocketThatNobodyListensAtIsReplaced() throws Exception {
        leaveStaleSocket(path);

        listen(path).close();
    }

    @Test
    void aFileIsNotReplaced() throws Exception {
        Files.writeString(path, "precious");

        assertRefused("not a socket");

        assertThat(path).hasContent("precious");
    }

    @Test
    void aSocketInUseIsNotReplaced() throws Exception {
        try (Listener listener = listen(path)) {
            assertRefused("in use");
            assertThat(path).exists();
            assertThat(listener.accept(java.time.Duration.ofSeconds(20)))
                    .as("the question whether it is")
                    .isNotNull();
        }
    }

    private void assertRefused(final String text) {
        assertThatThrownBy(() -> listen(path))
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.MISUSE))
                .hasMessageContaining(text)
                .hasMessageContaining(path.toString());
    }

    @Test
    void aFileThatSomebodyElsePutThereStays() throws Exception {
        final Listener listener = listen(path);
        Files.delete(path);
        Files.writeString(path, "theirs");

        listener.close();

        assertThat(path).hasContent("theirs");
    }

    @Test
    void oneOfManyThatStartAtOnceGetsAStaleSocket() throws Exception {
        leaveStaleSocket(path);

        final List<CompletableFuture<Listener>> starts = IntStream.range(0, 8)
                .mapToObj(i -> CompletableFuture.supplyAsync(() -> {
                    try {
                        return listen(path);
                    } catch (final IOException e) {
                        return null;
                    }
                }))
                .toList();

        final List<Listener> winners = starts.stream()
                .map(CompletableFuture::join)
                .filter(l -> l != null)
                .toList();
        assertThat(winners).hasSize(1);
        winners.get(0).close();
    }

    @Test
    void aPathThatIsTooLongIsTheUsersMistake() {
        path = directory.resolve("x".repeat(120));

        assertRefused("at most 107 bytes");
    }

    @Test
    void aPathMayHoldCharactersThatALocatorEscapes() throws Exception {
        final Locator locator = Locator.parse("unix:" + directory + "/a%3Fb%25c");
        try (Listener listener = SocketTransport.of(locator).listen(locator)) {
            assertThat(directory.resolve("a?b%c")).exists();
            assertThat(listener.local().rest()).isEqualTo(directory + "/a?b%c");
        }
    }
}
