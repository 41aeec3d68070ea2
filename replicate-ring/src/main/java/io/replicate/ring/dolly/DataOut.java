package io.replicate.ring.dolly;

import io.replicate.core.net.FrameHeader;
import io.replicate.core.posix.Fd;
import io.replicate.core.spi.FileSlice;
import io.replicate.core.spi.Link;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The data connections to one child: raw bytes, or frames to a child of ours. With several connections, blocks of a fixed
 * length go round robin over them. One thread sends.
 */
final class DataOut implements AutoCloseable {
    private final Link[] links;
    private final int blockBytes;
    private @Nullable FrameHeader header;
    private long position;

    DataOut(final Link[] links, final int blockBytes) {
        this.links = links;
        this.blockBytes = blockBytes;
    }

    void timeout(final Duration idle) {
        for (final Link link : links) {
            link.timeout(idle);
        }
    }

    /** From now on, which must be the beginning, sends frames. */
    void framed() {
        header = new FrameHeader();
    }

    /** Sends a piece; the caller keeps its reference. */
    void send(final Piece piece) throws IOException {
        final @Nullable FrameHeader frame = header;
        if (frame != null) {
            frame(frame, piece);
        } else if (links.length > 1) {
            inTurn(piece.bytes());
        } else if (piece.file() != null) {
            sendFile(null, piece);
        } else {
            links[0].send(piece.bytes());
        }
    }

    private void frame(final FrameHeader frame, final Piece piece) throws IOException {
        final int length = piece.length();
        if (piece.zero()) {
            links[0].send(frame.set(Extension.FRAME_ZEROS, 0, 0, piece.offset(), length, 0, 0)
                    .seal());
            return;
        }
        final ByteBuffer bytes = frame.set(Extension.FRAME_DATA, 0, 0, piece.offset(), length, length, piece.crc())
                .seal();
        if (piece.file() == null) {
            links[0].send(bytes, piece.bytes());
        } else {
            sendFile(bytes, piece);
        }
    }

    private void sendFile(final @Nullable ByteBuffer head, final Piece piece) throws IOException {
        final @Nullable Fd file = piece.file();
        if (file == null) {
            throw new IllegalStateException("a piece without a file");
        }
        final int fd = file.acquire();
        try {
            final FileSlice slice = new FileSlice(fd, piece.fileOffset(), piece.length());
            if (head == null) {
                links[0].sendFile(slice);
            } else {
                links[0].sendFile(head, slice);
            }
        } finally {
            file.release();
        }
    }

    private void inTurn(final ByteBuffer bytes) throws IOException {
        // strictly in turn: a peer that reads one block from each would wait for us, and we for it
        for (int at = 0; at < bytes.limit(); ) {
            final int length = (int) Math.min(blockBytes - position % blockBytes, bytes.limit() - at);
            links[(int) (position / blockBytes % links.length)].send(bytes.slice(at, length));
            position += length;
            at += length;
        }
    }

    /** Ends the stream, as dolly's server does behind the end mark. */
    void shutdown() throws IOException {
        for (final Link link : links) {
            link.shutdownOutput();
        }
    }

    @Override
    public void close() {
        for (final Link link : links) {
            Threads.closeQuietly(link);
        }
    }
}
