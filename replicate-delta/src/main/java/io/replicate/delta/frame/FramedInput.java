package io.replicate.delta.frame;

import com.github.luben.zstd.Zstd;
import io.replicate.core.net.FrameHeader;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Unwraps what {@link FramedOutput} wrapped; each frame is proven before a byte of it is passed on, and the last byte of
 * a frame only when the header of the next one is: whoever has all the bytes has seen the end. Used by one thread.
 */
public final class FramedInput implements ReadableByteChannel {
    private final ReadableByteChannel in;
    private final FrameHeader header = new FrameHeader();
    private final CRC32C crc = new CRC32C();
    private final ByteBuffer payload = ByteBuffer.allocateDirect(FramedOutput.BLOCK_BYTES);
    private final ByteBuffer block =
            ByteBuffer.allocateDirect(FramedOutput.BLOCK_BYTES).limit(0);
    private long position;
    private long zeros;
    private boolean ended;
    private boolean headerRead;
    private @Nullable IOException behind;

    /** Creates an input over a channel from which the eight bytes of the magic have been read. */
    public FramedInput(final ReadableByteChannel in) {
        this.in = in;
    }

    @Override
    public int read(final ByteBuffer into) throws IOException {
        while (!ended && zeros == 0 && !block.hasRemaining()) {
            frame();
        }
        if (behind != null && zeros + block.remaining() == 1) {
            throw behind;
        }
        final int held = behind == null ? 0 : 1;
        if (zeros > 0) {
            final int n = (int) Math.min(zeros - held, into.remaining());
            for (int i = 0; i < n; i++) {
                into.put((byte) 0);
            }
            zeros -= n;
            return n;
        }
        if (!block.hasRemaining()) {
            return -1;
        }
        final int n = Math.min(block.remaining() - held, into.remaining());
        into.put(block.slice(block.position(), n));
        block.position(block.position() + n);
        return n;
    }

    private void frame() throws IOException {
        if (!headerRead) {
            readHeader();
        }
        headerRead = false;
        final long length = header.extentLength();
        switch (header.type()) {
            case FramedOutput.DATA -> data();
            case FramedOutput.ZERO -> zeros = length;
            case FramedOutput.END -> ended = true;
            default ->
                throw ReplicationException.corrupt(
                        "the framed stream has a frame of unknown type " + header.type() + " at offset " + position);
        }
        position += length;
        if (!ended) {
            try {
                readHeader();
                headerRead = true;
            } catch (final IOException e) {
                behind = e; // what came before it may still be gone on with
            }
        }
    }

    private void readHeader() throws IOException {
        if (!fill(header.bytes())) {
            throw new CutFrameException("the framed stream was cut at offset " + position);
        }
        header.verify(FramedOutput.BLOCK_BYTES);
        if (header.position() != position) {
            throw ReplicationException.corrupt(
                    "the framed stream jumps from offset " + position + " to " + header.position());
        }
    }

    private void data() throws IOException {
        payload.clear().limit(header.payloadLength());
        if (!fill(payload)) {
            throw new CutFrameException("the framed stream was cut at offset " + position);
        }
        payload.flip();
        crc.reset();
        crc.update(payload.duplicate());
        if ((int) crc.getValue() != header.payloadCrc() || header.extentLength() > block.capacity()) {
            throw ReplicationException.corrupt("the framed stream: the CRC32C of the frame at offset " + position
                    + " does not match: it was changed on the way");
        }
        final int length = (int) header.extentLength();
        block.clear();
        final long size;
        switch (header.flags() & FrameHeader.COMPRESSION_MASK) {
            case 0 -> {
                size = payload.remaining();
                block.put(payload);
            }
            case FramedOutput.ZSTD ->
                size = Zstd.decompressDirectByteBuffer(block, 0, length, payload, 0, payload.remaining());
            default -> throw ReplicationException.corrupt("the framed stream: unknown compression");
        }
        if (Zstd.isError(size) || size != length) {
            throw ReplicationException.corrupt(
                    "the framed stream: the frame at offset " + position + " cannot be unpacked");
        }
        block.position(0).limit(length);
    }

    private boolean fill(final ByteBuffer into) throws IOException {
        while (into.hasRemaining()) {
            if (in.read(into) < 0) {
                return false;
            }
        }
        return true;
    }

    /** The frames ended before the stream did: as good as a network that went away. */
    private static final class CutFrameException extends ReplicationException {
        private static final long serialVersionUID = 1L;

        CutFrameException(final String message) {
            super(Category.RETRY, message);
        }
    }

    @Override
    public boolean isOpen() {
        return in.isOpen();
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
