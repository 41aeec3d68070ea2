package io.replicate.ring.dolly;

import io.replicate.core.job.Zeros;
import io.replicate.core.posix.Fd;
import io.replicate.core.posix.Posix;
import io.replicate.core.posix.Transfers;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Looks at bytes that stay in a file: their CRC32C, and whether they are all zero. Reads in pieces that stay in the
 * processor's cache. Used by one thread.
 */
final class FilePieces {
    private static final int PIECE_BYTES = 128 << 10;

    private final Posix posix = Posix.get();
    private final ByteBuffer scratch = ByteBuffer.allocateDirect(PIECE_BYTES);
    private final long address = posix.addressOf(scratch);
    private final CRC32C crc = new CRC32C();

    /**
     * Returns the piece of the stream that lies in a file.
     *
     * @throws ReplicationException FAIL_JOB when the file has become shorter.
     */
    Piece piece(final long offset, final int length, final Fd file, final long fileOffset) throws IOException {
        crc.reset();
        boolean zero = true;
        for (int done = 0; done < length; ) {
            final int wanted = Math.min(PIECE_BYTES, length - done);
            final long n = Transfers.pread(posix, file, address, wanted, fileOffset + done);
            if (n != wanted) {
                throw ReplicationException.fail(
                        file + ": has become shorter while it was read, at offset " + (fileOffset + done + n), null);
            }
            zero = zero && Zeros.isZero(scratch.clear().limit(wanted));
            crc.update(scratch.clear().limit(wanted));
            done += wanted;
        }
        return zero
                ? Piece.zeros(offset, length)
                : Piece.inFile(offset, length, (int) crc.getValue(), file, fileOffset);
    }
}
