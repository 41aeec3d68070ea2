package io.replicate.delta;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes one stream to several places. A place that fails is left out from then on, and reported; only when none is
 * left does writing fail. Used by one thread.
 */
public final class Fan implements WritableByteChannel {
    private final List<Outlet> outlets;

    /** One of the places. */
    public static final class Outlet {
        private final String name;
        private final WritableByteChannel channel;
        private @Nullable IOException failure;

        /** Creates a place with a name for messages. */
        public Outlet(final String name, final WritableByteChannel channel) {
            this.name = name;
            this.channel = channel;
        }

        public String name() {
            return name;
        }

        /** Returns why it failed, or null while it is good. */
        public @Nullable IOException failure() {
            return failure;
        }

        private void failedToWrite(final IOException cause) {
            fail(new ReplicationException(
                    ReplicationException.categoryOf(cause), "write to " + name + ": " + cause.getMessage(), cause));
        }

        /** Says that it failed. */
        public void fail(final IOException cause) {
            if (failure == null) {
                failure = cause;
            }
        }
    }

    /** Creates a fan over places, at least one. */
    public Fan(final List<Outlet> outlets) {
        this.outlets = List.copyOf(outlets);
    }

    @Override
    public int write(final ByteBuffer from) throws IOException {
        final int n = from.remaining();
        boolean any = false;
        for (final Outlet outlet : outlets) {
            if (outlet.failure == null) {
                try {
                    final ByteBuffer copy = from.duplicate();
                    while (copy.hasRemaining()) {
                        outlet.channel.write(copy);
                    }
                    any = true;
                } catch (final IOException e) {
                    outlet.failedToWrite(e);
                }
            }
        }
        if (!any) {
            final @Nullable IOException cause = outlets.get(0).failure();
            throw cause == null ? ReplicationException.fail("there is nowhere to write to", null) : cause;
        }
        from.position(from.limit());
        return n;
    }

    @Override
    public boolean isOpen() {
        return true;
    }

    @Override
    public void close() {}
}
