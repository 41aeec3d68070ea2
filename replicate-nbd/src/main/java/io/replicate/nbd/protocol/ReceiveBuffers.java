package io.replicate.nbd.protocol;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelConfig;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.UncheckedBooleanSupplier;
import io.netty.util.concurrent.FastThreadLocal;
import org.jspecify.annotations.Nullable;

/**
 * Chooses where the next bytes of a connection go: as a rule into a fresh buffer, but where the rest of a payload is
 * awaited, straight into that payload, without a copy. Used by the channel's event loop only.
 */
public final class ReceiveBuffers implements RecvByteBufAllocator {
    private static final int FRESH = 128 << 10;
    /** Takes a header and little else, so that the payload behind it is not received where it must be copied from. */
    private static final int SMALL = 512;

    private static final int MAX_READS_PER_LOOP = 16;

    /** Buffers of an event loop, used again whenever nobody has kept the one before. */
    private static final FastThreadLocal<ByteBuf> SHARED = new Shared(FRESH);

    private static final FastThreadLocal<ByteBuf> SHARED_SMALL = new Shared(SMALL);

    private static final class Shared extends FastThreadLocal<ByteBuf> {
        private final int bytes;

        Shared(int bytes) {
            this.bytes = bytes;
        }

        @Override
        protected ByteBuf initialValue() {
            return new UnpooledByteBufAllocator(true, true).directBuffer(bytes, bytes);
        }

        @Override
        protected void onRemoval(ByteBuf buffer) {
            buffer.release();
        }
    }

    private @Nullable ByteBuf target;
    private boolean headersOnly;

    /**
     * Directs what comes next into the writable bytes of {@code payload} (borrowed); null for fresh buffers. Only for
     * channels without handlers that transform bytes.
     */
    public void target(@Nullable ByteBuf payload) {
        target = payload;
    }

    /** Says whether a long payload is likely to follow the next header. */
    public void headersOnly(boolean likely) {
        headersOnly = likely;
    }

    @Override
    @SuppressWarnings("deprecation") // the interface still says Handle, and Netty asks for an ExtendedHandle
    public Handle newHandle() {
        return new Chooser();
    }

    private final class Chooser implements ExtendedHandle {
        private @Nullable ChannelConfig config;
        private int reads;
        private int lastBytes;
        private int attemptedBytes;

        @Override
        public ByteBuf allocate(ByteBufAllocator alloc) {
            final ByteBuf payload = target;
            if (payload != null && payload.isWritable()) {
                return payload.retain();
            }
            final ByteBuf shared = headersOnly ? SHARED_SMALL.get() : SHARED.get();
            return shared.refCnt() == 1 ? shared.clear().retain() : alloc.directBuffer(FRESH, FRESH);
        }

        @Override
        public int guess() {
            return FRESH;
        }

        @Override
        public void reset(ChannelConfig channelConfig) {
            config = channelConfig;
            reads = 0;
            lastBytes = 0;
        }

        @Override
        public void incMessagesRead(int count) {
            reads += count;
        }

        @Override
        public void lastBytesRead(int bytes) {
            lastBytes = bytes;
        }

        @Override
        public int lastBytesRead() {
            return lastBytes;
        }

        @Override
        public void attemptedBytesRead(int bytes) {
            attemptedBytes = bytes;
        }

        @Override
        public int attemptedBytesRead() {
            return attemptedBytes;
        }

        @Override
        public boolean continueReading() {
            return continueReading(() -> attemptedBytes == lastBytes);
        }

        @Override
        public boolean continueReading(UncheckedBooleanSupplier maybeMoreData) {
            final ChannelConfig c = config;
            return c != null && c.isAutoRead() && reads < MAX_READS_PER_LOOP && lastBytes > 0 && maybeMoreData.get();
        }

        @Override
        public void readComplete() {}
    }
}
