package io.replicate.core.net;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import java.io.IOException;
import java.net.InetAddress;
import java.net.SocketAddress;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Makes stream sockets: {@link NativeSockets} or {@link NioSockets}. Safe for concurrent use. */
interface Sockets {
    /** How many connections wait in the kernel until they are accepted. */
    int BACKLOG = 1024;

    /**
     * Connects to one address, an {@link java.net.InetSocketAddress} or a {@link java.net.UnixDomainSocketAddress}.
     *
     * @param local the address to bind first, or null.
     * @throws IOException with a message that says why, without the address.
     */
    Link connect(SocketAddress remote, @Nullable InetAddress local, SocketOptions options, Duration timeout)
            throws IOException;

    /**
     * Listens at one address.
     *
     * @param name what was asked for; the listener tells it with the true port.
     */
    Listener listen(SocketAddress local, SocketOptions options, Locator name) throws IOException;

    /** Returns native sockets where they work and are wanted, NIO sockets otherwise. */
    static Sockets choose(final boolean nativeWanted) {
        return nativeWanted && NativeSockets.available() ? NativeSockets.INSTANCE : NioSockets.INSTANCE;
    }
}
