package io.replicate.delta;

import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.cow.FileTaking;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes one stream to several places. A place that fails is left out from then on, and reported; only when none is
 * left does writing fail. Used by one thread.
 */
public final class Fan implements FileTaking {
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
            throw nowhere();
        }
        from.position(from.limit());
        return n;
    }

    private IOException nowhere() {
        final @Nullable IOException cause = outlets.get(0).failure();
        return cause == null ? ReplicationException.fail("there is nowhere to write to", null) : cause;
    }

    /** One place takes files; for several their bytes are read once. */
    @Override
    public boolean takesFiles() {
        return outlets.size() == 1 && outlets.get(0).channel instanceof FileChannel;
    }

    @Override
    public void take(final FileChannel file, final long offset, final long length) throws IOException {
        final Outlet outlet = outlets.get(0);
        if (outlet.failure != null) {
            throw nowhere();
        }
        try {
            for (long done = 0; done < length; ) {
                final long n = file.transferTo(offset + done, length - done, outlet.channel);
                if (n <= 0) {
                    throw new EOFException("the source ends at offset " + (offset + done));
                }
                done += n;
            }
        } catch (final IOException e) {
            outlet.failedToWrite(e);
            throw nowhere();
        }
    }

    @Override
    public boolean isOpen() {
        return true;
    }

    @Override
    public void close() {}
}
