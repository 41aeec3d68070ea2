package io.replicate.core.net;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A listening channel. */
final class NioListener implements Listener {
    private static final Logger log = LoggerFactory.getLogger(NioListener.class);

    private final ServerSocketChannel channel;
    private final NioWait wait;
    private final SocketOptions options;
    private final Locator local;

    NioListener(final ServerSocketChannel channel, final SocketOptions options, final Locator local)
            throws IOException {
        this.channel = channel;
        this.wait = NioWait.on(channel, SelectionKey.OP_ACCEPT);
        this.options = options;
        this.local = local;
    }

    @Override
    public Locator local() {
        return local;
    }

    @Override
    public @Nullable Link accept(final Duration timeout) throws IOException {
        final Deadline deadline = Deadline.in(timeout);
        try {
            while (true) {
                final @Nullable SocketChannel accepted = channel.accept();
                if (accepted == null) {
                    if (!wait.await(deadline.leftMs()) && deadline.passed()) {
                        return null;
                    }
                    continue;
                }
                try {
                    return NioSockets.accepted(accepted, options, local);
                } catch (final IOException e) {
                    log.debug("a peer at {} left at once: {}", local, e.getMessage());
                }
            }
        } catch (final ClosedChannelException | ClosedSelectorException e) {
            throw new AsynchronousCloseException();
        } catch (final IOException e) {
            throw ReplicationException.retry("accept at " + local + ": " + e.getMessage(), e);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
        wait.close();
    }
}
