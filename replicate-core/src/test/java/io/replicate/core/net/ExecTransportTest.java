package io.replicate.core.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(240)
class ExecTransportTest {

    private static Link connect(final String command) throws IOException {
        final Link link = new ExecTransport().connect(Locator.parse("exec:" + command), Duration.ofSeconds(20));
        link.timeout(Duration.ofSeconds(20));
        return link;
    }

    private static String receiveAll(final Link link) throws IOException {
        final ByteBuffer into = ByteBuffer.allocate(1 << 16);
        while (link.receive(into) >= 0) {
            // goes on
        }
        return new String(into.array(), 0, into.position(), StandardCharsets.UTF_8);
    }

    @Test
    void theOutputOfACommandIsReceivedToItsEnd() throws Exception {
        try (Link link = connect("printf '%25s|' 'two words' \"it's\" \\*")) {
            assertThat(receiveAll(link)).isEqualTo("two words|it's|*|");
        }
    }

    /** What a command finds in its environment, as its starter receives it. */
    static final class Environment {
        private Environment() {}

        public static void main(final String[] arguments) throws IOException {
            try (Link link = connect("env")) {
                System.out.print(receiveAll(link));
            }
        }
    }

    @Test
    void aCommandDoesNotInheritTheSecret() throws Exception {
        final Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        final ProcessBuilder starter = new ProcessBuilder(
                java.toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Environment.class.getName());
        starter.redirectError(ProcessBuilder.Redirect.DISCARD);
        starter.environment().put(SharedSecret.ENVIRONMENT, "nobody else may see this");
        starter.environment().put("SEEN_BY_ALL", "yes");

        final Process process = starter.start();
        final List<String> seen = process.inputReader().lines().toList();

        assertThat(process.waitFor()).isZero();
        assertThat(seen).contains("SEEN_BY_ALL=yes").noneMatch(line -> line.contains("nobody else"));
    }

    @Test
    void aCommandSeesTheEndOfItsInput() throws Exception {
        try (Link link = connect("wc -c")) {
            link.send(ByteBuffer.allocate(100_000));
            link.shutdownOutput();

            assertThat(receiveAll(link).trim()).isEqualTo("100000");
        }
    }

    @Test
    void theExitStatusIsInTheMessage() throws Exception {
        try (Link link = connect("sh -c 'echo partly; exit 7'")) {
            assertThatThrownBy(() -> receiveAll(link))
                    .isInstanceOfSatisfying(
                            ReplicationException.class,
                            e -> assertThat(e.category()).isEqualTo(Category.RETRY))
                    .hasMessageContaining("exited with status 7");
        }
    }

    @Test
    void theSignalThatEndedItIsInTheMessage() throws Exception {
        try (Link link = connect("sh -c 'kill -9 $$'")) {
            assertThatThrownBy(() -> receiveAll(link)).hasMessageContaining("ended by signal 9");
        }
    }

    @Test
    void aCommandThatDoesNotExistIsTheUsersMistake() {
        assertThatThrownBy(() -> connect("no-such-command --at all"))
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.MISUSE))
                .hasMessageContaining("no-such-command");
    }

    @Test
    void aCommandThatIgnoresTheEndOfItsInputIsTerminated() throws Exception {
        final Link link = connect("sh -c 'echo $$; exec sleep 600'");
        final ByteBuffer line = ByteBuffer.allocate(32);
        assertThat(link.receive(line)).isPositive();
        final long pid = Long.parseLong(new String(line.array(), 0, line.position(), StandardCharsets.US_ASCII).trim());
        assertThat(ProcessHandle.of(pid)).isPresent();

        link.close();

        assertThat(ProcessHandle.of(pid)).isEmpty();
    }

    @Test
    void aCommandCannotBeListenedAt() {
        assertThatThrownBy(() -> new ExecTransport().listen(Locator.parse("exec:cat")))
                .hasMessageContaining("cannot be listened at");
    }
}
