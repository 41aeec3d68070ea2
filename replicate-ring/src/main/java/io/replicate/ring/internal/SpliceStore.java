package io.replicate.ring.internal;

import io.replicate.core.posix.Fd;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Posix;
import io.replicate.core.posix.Transfers;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Session;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A target that the kernel moves bytes to, and the check of what has arrived there. The check reads the pages that were
 * just written, in pieces that stay in the processor's cache. Used by one thread.
 */
final class SpliceStore {
    private static final int PIECE_BYTES = 128 << 10;

    private final Posix posix = Posix.get();
    private final Fd file;
    private final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
    private final long address = posix.addressOf(piece);
    private final CRC32C crc = new CRC32C();

    private SpliceStore(final Fd file) {
        this.file = file;
    }

    /** Returns the store of a session, or null where bytes must pass through memory. */
    static @Nullable SpliceStore of(final Session<Extent> session) {
        return session.spliceTarget().map(SpliceStore::new).orElse(null);
    }

    Fd file() {
        return file;
    }

    /**
     * Checks a range of the file.
     *
     * @throws ReplicationException CORRUPT when its CRC32C is not the expected one.
     */
    void verify(final long position, final int length, final int expectedCrc) throws IOException {
        crc.reset();
        for (int done = 0; done < length; ) {
            final int wanted = Math.min(PIECE_BYTES, length - done);
            final long n = Transfers.pread(posix, file, address, wanted, position + done);
            if (n != wanted) {
                throw ReplicationException.fail(
                        file + " offset=" + (position + done) + ": was cut off meanwhile", null);
            }
            crc.update(piece.clear().limit(wanted));
            done += wanted;
        }
        if ((int) crc.getValue() != expectedCrc) {
            throw ReplicationException.corrupt(
                    "data frame position=" + position + " length=" + length + ": CRC32C of the payload does not match");
        }
    }

    /**
     * Takes back what came of a frame that is not whole. Another parent may tell what belongs there as a hole, for which
     * nothing is written where nobody is known to have written before.
     */
    void undo(final long position, final int length) throws IOException {
        final int punched;
        final int number = file.acquire();
        try {
            punched = posix.fallocate(number, Linux.FALLOC_FL_PUNCH_HOLE | Linux.FALLOC_FL_KEEP_SIZE, position, length);
        } finally {
            file.release();
        }
        if (punched < 0) {
            writeZeros(position, length);
        }
    }

    private void writeZeros(final long position, final int length) throws IOException {
        piece.clear().put(new byte[PIECE_BYTES]);
        for (int done = 0; done < length; done += PIECE_BYTES) {
            Transfers.pwrite(posix, file, address, Math.min(PIECE_BYTES, length - done), position + done);
        }
    }
}
