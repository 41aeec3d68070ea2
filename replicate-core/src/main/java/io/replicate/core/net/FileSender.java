package io.replicate.core.net;

import io.replicate.core.posix.Posix;
import io.replicate.core.posix.PosixException;
import io.replicate.core.spi.FileSlice;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Sends a file range through memory, where sendfile(2) cannot. */
final class FileSender {
    private static final int BUFFER_BYTES = 256 << 10;

    private FileSender() {}

    /** Sends the range and returns its length. */
    static long copy(final Posix posix, final Link link, final FileSlice slice) throws IOException {
        final ByteBuffer buffer = ByteBuffer.allocateDirect((int) Math.min(BUFFER_BYTES, slice.length()));
        final long address = posix.addressOf(buffer);
        long done = 0;
        while (done < slice.length()) {
            final long length = Math.min(buffer.capacity(), slice.length() - done);
            final long offset = slice.offset() + done;
            final long n = PosixException.check(
                    posix.pread(slice.fd(), address, length, offset), "pread", "fd " + slice.fd(), offset, length);
            if (n == 0) {
                throw ended(slice, done);
            }
            link.send(buffer.clear().limit((int) n));
            done += n;
        }
        return done;
    }

    static FileSlice rest(final FileSlice slice, final long done) {
        return new FileSlice(slice.fd(), slice.offset() + done, slice.length() - done);
    }

    static ReplicationException ended(final FileSlice slice, final long done) {
        return ReplicationException.fail(
                "send a file: it ended at offset=" + (slice.offset() + done) + ", " + (slice.length() - done)
                        + " bytes early; was it truncated meanwhile?",
                null);
    }
}
