package io.replicate.delta.cow;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.zip.CRC32C;

/** Drops the part of a stream that the receiver has, and proves by its checksum that it is the same. Used by one thread. */
public final class ResumedOutput implements WritableByteChannel {
    private final WritableByteChannel out;
    private final ResumeToken token;
    private final CRC32C crc = new CRC32C();
    private long dropped;
    private boolean resumed;

    /** Creates an output that begins with the token, and goes on at its offset. */
    public ResumedOutput(final WritableByteChannel out, final ResumeToken token) {
        this.out = out;
        this.token = token;
    }

    @Override
    public int write(final ByteBuffer from) throws IOException {
        final int length = from.remaining();
        final int drop = (int) Math.min(length, token.offset() - dropped);
        if (drop > 0) {
            crc.update(from.slice(from.position(), drop));
            from.position(from.position() + drop);
            dropped += drop;
        }
        if (dropped == token.offset() && !resumed && from.hasRemaining()) {
            begin();
        }
        while (from.hasRemaining()) {
            out.write(from);
        }
        return length;
    }

    private void begin() throws IOException {
        if ((int) crc.getValue() != token.crc()) {
            throw new ResumeMismatchException("what was sent before offset " + token.offset()
                    + " is not what the store and the source have now: extract again from the beginning");
        }
        final ByteBuffer head = token.encode();
        while (head.hasRemaining()) {
            out.write(head);
        }
        resumed = true;
    }

    /**
     * Says that the stream is complete.
     *
     * @throws ResumeMismatchException when it ended before the offset.
     */
    public void finish() throws IOException {
        if (dropped < token.offset()) {
            throw new ResumeMismatchException("the stream has only " + dropped + " bytes, the receiver has "
                    + token.offset() + " of another one: extract again from the beginning");
        }
        if (!resumed) {
            begin();
        }
    }

    @Override
    public boolean isOpen() {
        return out.isOpen();
    }

    @Override
    public void close() {}
}
