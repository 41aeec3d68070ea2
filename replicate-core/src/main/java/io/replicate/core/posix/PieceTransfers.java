package io.replicate.core.posix;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;

/** Transfers of many pieces of one file: together where the system can do so, else one by one. Thread-safe. */
final class PieceTransfers {
    private final NativeFile file;
    private final Posix posix;
    private final BatchPool pool;
    private volatile boolean refused;

    PieceTransfers(NativeFile file, Posix posix) {
        this.file = file;
        this.posix = posix;
        this.pool = BatchPool.of(posix);
    }

    boolean together() {
        Batch batch = pool.take();
        if (batch != null) {
            pool.giveBack(batch);
        }
        return batch != null;
    }

    /** Returns the offset of the first byte that is not there, or -1 when all were read. */
    long read(Pieces pieces, ByteBuffer direct) throws PosixException {
        return transfer(false, pieces, direct);
    }

    void write(Pieces pieces, ByteBuffer direct) throws PosixException {
        transfer(true, pieces, direct);
    }

    private long transfer(boolean write, Pieces pieces, ByteBuffer direct) throws PosixException {
        long address = posix.addressOf(direct);
        Batch batch = pieces.count() > 1 && !refused && isAligned(pieces, address) ? pool.take() : null;
        try {
            long missing = -1;
            for (int from = 0; from < pieces.count() && missing < 0; from += Batch.MOST) {
                int count = Math.min(Batch.MOST, pieces.count() - from);
                int done = batch == null || refused ? 0 : together(batch, write, pieces, address, from, count);
                for (int i = 0; i < count && missing < 0; i++) {
                    if (i >= done || batch == null || batch.result(i) != pieces.length(from + i)) {
                        missing = alone(write, pieces, address, from + i);
                    }
                }
            }
            return missing;
        } finally {
            if (batch != null && !batch.isDestroyed()) {
                pool.giveBack(batch);
            }
            Reference.reachabilityFence(direct);
        }
    }

    private int together(Batch batch, boolean write, Pieces pieces, long address, int from, int count)
            throws PosixException {
        int fd = file.fd().acquire();
        try {
            int submitted = batch.transfer(write, fd, address, pieces, from, count);
            refused |= submitted == 0;
            return submitted;
        } finally {
            file.fd().release();
        }
    }

    /** What failed together, or came short, is done once more by itself: that names the place, or finds the end. */
    private long alone(boolean write, Pieces pieces, long address, int piece) throws PosixException {
        long offset = pieces.offset(piece);
        int length = pieces.length(piece);
        if (write) {
            file.pwrite(address + pieces.position(piece), length, offset);
            return -1;
        }
        long n = file.pread(address + pieces.position(piece), length, offset);
        return n < length ? offset + n : -1;
    }

    private boolean isAligned(Pieces pieces, long address) {
        return !file.isDirect() || ((address | pieces.bits()) & (file.directAlignment() - 1)) == 0;
    }
}
