package io.replicate.core.net;

import io.replicate.core.posix.Pipe;
import io.replicate.core.posix.Posix;
import io.replicate.core.posix.PosixException;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Peer;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Transport;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.time.Duration;
import java.util.List;

/**
 * A command as the other side: {@code exec:ssh host replicate …}. Its standard input and output are the link, its error
 * output goes where ours goes. The command is split into words as a shell does it, and run without a shell. As in every
 * locator a {@code ?} is written {@code %3F} and a {@code %} is written {@code %25}.
 * Who the other side is, the command has to prove. It does not inherit {@link SharedSecret#ENVIRONMENT}; one that needs the
 * secret takes it from a file.
 */
public final class ExecTransport implements Transport {
    private static final int PIPE_BYTES = 1 << 20;

    /** Creates the transport. It needs the native calls of {@link Posix}. */
    public ExecTransport() {}

    /** Starts the command. It answers, or does not, later: the timeout is not used. */
    @Override
    public Link connect(final Locator peer, final Duration timeout) throws IOException {
        peer.allowOnly();
        final List<String> command = ShellWords.split(peer.rest());
        if (!peer.scheme().equals("exec") || command.isEmpty()) {
            throw ReplicationException.misuse("locator '" + peer + "': expected exec:COMMAND ARGUMENT…");
        }
        final Posix posix = Posix.get();
        if (!posix.isNative()) {
            throw ReplicationException.misuse("locator '" + peer + "': exec: needs Linux and its native calls");
        }
        final Pipe toChild = Pipe.open(posix, PIPE_BYTES, true);
        try {
            final Pipe fromChild = Pipe.open(posix, PIPE_BYTES, true);
            try {
                final Process process = start(peer, command, toChild, fromChild);
                toChild.source().close();
                fromChild.sink().close();
                return new ExecLink(
                        new PipeLink(posix, fromChild.source(), toChild.sink(), Peer.anonymous(peer.toString())),
                        process);
            } catch (final Throwable e) {
                fromChild.close();
                throw e;
            }
        } catch (final Throwable e) {
            toChild.close();
            throw e;
        }
    }

    private static Process start(
            final Locator peer, final List<String> command, final Pipe toChild, final Pipe fromChild)
            throws IOException {
        final int input = toChild.source().acquire();
        try {
            final int output = fromChild.sink().acquire();
            try {
                // Opened anew by name, so that the child's ends block, as it expects, and ours do not.
                return SharedSecret.keepFrom(new ProcessBuilder(command))
                        .redirectInput(Redirect.from(name(input)))
                        .redirectOutput(Redirect.to(name(output)))
                        .redirectError(Redirect.INHERIT)
                        .start();
            } finally {
                fromChild.sink().release();
            }
        } catch (final PosixException e) {
            throw e;
        } catch (final IOException e) {
            throw new ReplicationException(
                    ReplicationException.Category.MISUSE, "start '" + peer + "': " + e.getMessage(), e);
        } finally {
            toChild.source().release();
        }
    }

    private static File name(final int number) {
        return new File("/proc/self/fd/" + number);
    }

    @Override
    public Listener listen(final Locator local) throws IOException {
        throw ReplicationException.misuse("locator '" + local + "': a command cannot be listened at; connect to it");
    }
}
