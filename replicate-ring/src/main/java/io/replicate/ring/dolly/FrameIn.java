package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.net.FrameHeader;
import io.replicate.core.net.LinkSplice;
import io.replicate.core.posix.Fd;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Frames from a parent of ours. Where the target is a file in memory the kernel moves the bytes there, and they are
 * checked behind it. One thread receives.
 */
final class FrameIn implements AutoCloseable {
    private final Link link;
    private final BlockPool pool;
    private final @Nullable Fd file;
    private final @Nullable LinkSplice splice;
    private final FrameHeader header = new FrameHeader();
    private final CRC32C crc = new CRC32C();
    private final FilePieces pieces = new FilePieces();
    private ByteBuffer head = header.bytes();
    private boolean inPayload;

    /**
     * Creates it.
     *
     * @param begun what has been received of the first header.
     * @param file that the kernel may write to at the offsets of the stream, or null.
     */
    FrameIn(final Link link, final ByteBuffer begun, final BlockPool pool, final @Nullable Fd file) throws IOException {
        this.link = link;
        this.pool = pool;
        this.splice = file == null ? null : LinkSplice.of(link).orElse(null);
        this.file = splice == null ? null : file;
        head.put(begun);
    }

    void timeout(final Duration idle) {
        link.timeout(idle);
        if (splice != null) {
            splice.timeout(idle);
        }
    }

    /** Returns whether nothing of the next frame has come yet: a wait that ends may begin anew. */
    boolean isBetweenFrames() {
        return head.position() == 0 && !inPayload;
    }

    /**
     * Returns the next piece, which must begin at {@code expected}; the caller owns it.
     *
     * @throws ReplicationException CORRUPT when it is not what was sent, RETRY when the link ends.
     */
    Piece next(final long expected) throws IOException {
        receiveFully(head);
        head = header.bytes();
        inPayload = true;
        final Piece piece = checked(expected);
        inPayload = false;
        return piece;
    }

    private Piece checked(final long expected) throws IOException {
        header.verify(pool.blockBytes());
        final long length = header.extentLength();
        if (header.position() != expected || length < 1 || length > Piece.roomAt(expected)) {
            throw ReplicationException.corrupt(
                    "frame at " + header.position() + " of " + length + " bytes where one at " + expected + " is due");
        }
        return switch (header.type()) {
            case Extension.FRAME_DATA -> data(expected, (int) length);
            case Extension.FRAME_ZEROS -> Piece.zeros(expected, (int) length);
            default -> throw ReplicationException.corrupt("unknown frame type " + header.type());
        };
    }

    private Piece data(final long offset, final int length) throws IOException {
        if (header.payloadLength() != length) {
            throw ReplicationException.corrupt(
                    "frame at " + offset + " of " + length + " bytes has " + header.payloadLength());
        }
        if (splice != null && file != null) {
            splice.receive(file, offset, length);
            final Piece piece = pieces.piece(offset, length, file, offset);
            requireCrc(offset, piece.zero() ? ~header.payloadCrc() : piece.crc()); // zeros are not sent as data
            return piece;
        }
        final Block block = pool.take();
        try {
            block.length(length);
            final ByteBuffer bytes = block.bytes();
            receiveFully(bytes);
            crc.reset();
            crc.update(bytes.flip());
            requireCrc(offset, (int) crc.getValue());
            return Piece.checked(offset, block, header.payloadCrc());
        } catch (final IOException | RuntimeException e) {
            block.release();
            throw e;
        }
    }

    private void requireCrc(final long offset, final int found) throws ReplicationException {
        if (found != header.payloadCrc()) {
            throw ReplicationException.corrupt(
                    "frame at " + offset + ": CRC32C of the payload does not match, it was changed on the way");
        }
    }

    private void receiveFully(final ByteBuffer into) throws IOException {
        while (into.hasRemaining()) {
            if (link.receive(into) < 0) {
                throw ReplicationException.retry(link.peer() + " closed the data connection", null);
            }
        }
    }

    @Override
    public void close() {
        Threads.closeQuietly(link);
        if (splice != null) {
            Threads.closeQuietly(splice);
        }
    }
}
