package io.replicate.core.net;

import java.io.IOException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.Selector;

/**
 * Waits until one channel is ready for one kind of operation. {@link #await(int)} is called by one thread,
 * {@link #close()} by any; it wakes the waiter.
 */
final class NioWait implements AutoCloseable {
    private final Selector selector;

    private NioWait(final Selector selector) {
        this.selector = selector;
    }

    /** @param operation an OP_ constant of {@link java.nio.channels.SelectionKey} */
    static NioWait on(final SelectableChannel channel, final int operation) throws IOException {
        final Selector selector = Selector.open();
        try {
            channel.register(selector, operation);
            return new NioWait(selector);
        } catch (final Throwable e) {
            selector.close();
            throw e;
        }
    }

    /** Returns whether something is to be looked at: the channel is ready, or this has been closed. */
    boolean await(final int timeoutMs) throws IOException {
        if (!selector.isOpen()) {
            return true;
        }
        final int ready = timeoutMs == 0 ? selector.selectNow() : selector.select(timeoutMs);
        if (!selector.isOpen()) {
            return true;
        }
        selector.selectedKeys().clear();
        return ready > 0;
    }

    @Override
    public void close() throws IOException {
        selector.close();
    }
}
