package io.replicate.nbd.server;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/** Makes way for a Unix socket. */
public final class UnixPaths {
    private static final int S_IFMT = 0170000;
    private static final int S_IFSOCK = 0140000;

    private UnixPaths() {}

    /**
     * Removes a socket that nobody listens on any more.
     *
     * @throws ReplicationException MISUSE when something else is there, or a living server.
     */
    public static void removeStale(Path path) throws IOException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        final Object mode = Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        if (!(mode instanceof Integer bits) || (bits & S_IFMT) != S_IFSOCK) {
            throw ReplicationException.misuse("cannot listen on " + path + ": it exists and is no socket");
        }
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            probe.connect(UnixDomainSocketAddress.of(path));
        } catch (final IOException e) {
            Files.delete(path); // refused: whoever listened is dead
            return;
        }
        throw ReplicationException.misuse("cannot listen on " + path + ": another server is answering there");
    }
}
