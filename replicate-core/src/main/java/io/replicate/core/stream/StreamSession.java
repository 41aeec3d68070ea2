package io.replicate.core.stream;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Stored;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The writing of a stream. */
final class StreamSession implements Session<Extent> {
    private static final int ZERO_BYTES = 256 << 10;

    private final FdStream stream;
    private final Block zeros = Block.unpooled(ZERO_BYTES); // fresh memory is zero
    private long position;
    private @Nullable IOException failure;

    StreamSession(final FdStream stream) {
        this.stream = stream;
    }

    @Override
    public boolean resumed() {
        return false;
    }

    @Override
    public Stored write(final Extent unit, final @Nullable Block from) throws IOException {
        requireSound();
        if (unit.offset() != position) {
            throw new IllegalArgumentException(
                    stream + ": write at " + unit.offset() + ", but the stream is at " + position);
        }
        try {
            if (unit.hasData()) {
                if (from == null || from.length() != unit.length()) {
                    throw new IllegalArgumentException(unit + " without its bytes");
                }
                stream.write(from.address(), from.length());
            } else {
                for (long done = 0; done < unit.length(); done += ZERO_BYTES) {
                    stream.write(zeros.address(), Math.min(ZERO_BYTES, unit.length() - done));
                }
            }
        } catch (final IOException e) {
            failure = e;
            throw e;
        }
        position = unit.end();
        return Stored.ONCE;
    }

    private void requireSound() throws ReplicationException {
        if (failure != null) {
            throw ReplicationException.fail(stream + ": an earlier step failed: " + failure.getMessage(), failure);
        }
    }

    @Override
    public void flush() throws IOException {
        requireSound();
        try {
            stream.sync();
        } catch (final IOException e) {
            failure = e;
            throw e;
        }
    }

    @Override
    public Committed commit(final Revision revision) throws IOException {
        flush();
        return Committed.IN_PLACE;
    }

    @Override
    public void close() {
        if (zeros.refCnt() > 0) {
            zeros.release();
        }
    }
}
