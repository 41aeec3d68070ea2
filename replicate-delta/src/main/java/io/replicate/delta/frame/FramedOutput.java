package io.replicate.delta.frame;

import com.github.luben.zstd.Zstd;
import io.replicate.core.job.Zeros;
import io.replicate.core.net.FrameHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * Wraps a stream of bytes in frames. It begins with "RPLframe", then come frames with the header of
 * {@link FrameHeader}; position is the offset in the stream.
 *
 * <pre>
 *  type what
 *     1 DATA: payload, zstd where flags say 2; extent length is that of the bytes
 *     2 ZERO: extent length bytes of zero, no payload
 *     3 END: position is the length of the stream, no payload
 * </pre>
 *
 * Used by one thread.
 */
public final class FramedOutput implements WritableByteChannel {
    /** The first bytes of a framed stream. */
    public static final String MAGIC = "RPLframe";

    static final int DATA = 1;
    static final int ZERO = 2;
    static final int END = 3;
    static final int ZSTD = 2;

    /** What one frame holds. */
    static final int BLOCK_BYTES = 256 << 10;

    private static final int LEVEL = 1;

    private final WritableByteChannel out;
    private final FrameHeader header = new FrameHeader();
    private final CRC32C crc = new CRC32C();
    private final ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_BYTES);
    private final ByteBuffer packed = ByteBuffer.allocateDirect((int) Zstd.compressBound(BLOCK_BYTES));
    private long position;
    private long zeros;
    private boolean begun;

    /** Creates an output; the channel stays open. */
    public FramedOutput(final WritableByteChannel out) {
        this.out = out;
    }

    @Override
    public int write(final ByteBuffer from) throws IOException {
        final int length = from.remaining();
        while (from.hasRemaining()) {
            final int n = Math.min(block.remaining(), from.remaining());
            block.put(from.slice(from.position(), n));
            from.position(from.position() + n);
            if (!block.hasRemaining()) {
                block();
            }
        }
        return length;
    }

    private void block() throws IOException {
        block.flip();
        if (block.hasRemaining()) {
            if (Zeros.isZero(block)) {
                zeros += block.remaining();
            } else {
                zeros();
                data();
            }
        }
        block.clear();
    }

    private void zeros() throws IOException {
        if (zeros > 0) {
            send(ZERO, 0, zeros, ByteBuffer.allocate(0));
            zeros = 0;
        }
    }

    private void data() throws IOException {
        final int length = block.remaining();
        packed.clear();
        final long size = Zstd.compressDirectByteBuffer(packed, 0, packed.capacity(), block, 0, length, LEVEL);
        if (!Zstd.isError(size) && size < length - length / 16) {
            send(DATA, ZSTD, length, packed.limit((int) size));
        } else {
            send(DATA, 0, length, block.duplicate());
        }
    }

    private void send(final int type, final int flags, final long length, final ByteBuffer payload) throws IOException {
        if (!begun) {
            writeFully(ByteBuffer.wrap(MAGIC.getBytes(StandardCharsets.US_ASCII)));
            begun = true;
        }
        crc.reset();
        crc.update(payload.duplicate());
        final int sum = payload.hasRemaining() ? (int) crc.getValue() : 0;
        writeFully(header.set(type, flags, 0, position, length, payload.remaining(), sum)
                .seal());
        writeFully(payload);
        position += length;
    }

    /** Ends the stream; without this a reader takes it for cut. */
    public void finish() throws IOException {
        block();
        zeros();
        send(END, 0, 0, ByteBuffer.allocate(0));
    }

    private void writeFully(final ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    @Override
    public boolean isOpen() {
        return out.isOpen();
    }

    @Override
    public void close() {}
}
