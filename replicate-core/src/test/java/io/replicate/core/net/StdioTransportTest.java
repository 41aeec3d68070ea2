package io.replicate.core.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A process whose standard input and output are a link, started through {@code exec:}. */
@Timeout(240)
class StdioTransportTest {

    /** Sends back what it receives, and says things that must not get into the stream. */
    static final class Echo {
        private Echo() {}

        public static void main(final String[] arguments) throws IOException {
            final Locator stdio = Locator.parse("stdio:");
            try (Listener listener = Providers.transport(stdio).listen(stdio);
                    Link link = listener.accept(Duration.ofSeconds(20))) {
                System.out.println("StdioTransportTest.Echo: this line belongs to the error output");
                if (listener.accept(Duration.ZERO) != null) {
                    throw new AssertionError("there is only one standard input");
                }
                try {
                    Providers.transport(stdio).connect(stdio, Duration.ZERO);
                    throw new AssertionError("there is only one standard input");
                } catch (final ReplicationException e) {
                    // as it should be
                }
                final ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 16);
                while (link.receive(buffer.clear()) >= 0) {
                    link.send(buffer.flip());
                }
            }
        }
    }

    private static String command() {
        return "'" + Path.of(System.getProperty("java.home"), "bin", "java") + "' -XX:TieredStopAtLevel=1 -cp '"
                + System.getProperty("java.class.path") + "' " + Echo.class.getName();
    }

    private static void assertEcho(final String command) throws Exception {
        final int length = 3 << 20;
        final Locator locator =
                Locator.parse("exec:" + command.replace("%", "%25").replace("?", "%3F"));
        try (Link link = Providers.transport(locator).connect(locator, Duration.ofSeconds(20))) {
            final CompletableFuture<Void> sent = CompletableFuture.runAsync(() -> {
                try {
                    link.send(ByteBuffer.allocate(length).put(length - 1, (byte) 42));
                    link.shutdownOutput();
                } catch (final IOException e) {
                    throw new AssertionError(e);
                }
            });
            final ByteBuffer received = ByteBuffer.allocate(length);
            assertThat(Links.receiveFully(link, received)).isTrue();
            assertThat(received.get(length - 1)).isEqualTo((byte) 42);
            assertThat(link.receive(ByteBuffer.allocate(1))).isEqualTo(-1);
            sent.join();
        }
    }

    @Test
    void pipesAreALink() throws Exception {
        assertEcho(command());
    }

    @Test
    void socketsAreALink() throws Exception {
        // as ssh and inetd hand them to their children
        final String script = "import socket, subprocess, sys, threading\n"
                + "ours, theirs = socket.socketpair()\n"
                + "child = subprocess.Popen(sys.argv[1:], stdin=theirs, stdout=theirs)\n"
                + "theirs.close()\n"
                + "def up():\n"
                + "    while True:\n"
                + "        data = sys.stdin.buffer.raw.read(65536)\n"
                + "        if not data: break\n"
                + "        ours.sendall(data)\n"
                + "    ours.shutdown(socket.SHUT_WR)\n"
                + "threading.Thread(target=up).start()\n"
                + "while True:\n"
                + "    data = ours.recv(65536)\n"
                + "    if not data: break\n"
                + "    sys.stdout.buffer.write(data)\n"
                + "    sys.stdout.buffer.flush()\n"
                + "sys.exit(child.wait())\n";
        assertEcho("python3 -c \"" + script.replace("\\", "\\\\").replace("\"", "\\\"") + "\" " + command());
    }
}
