package io.replicate.core.posix;

import java.nio.ByteBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Zeroes, punches and discards ranges of one file or device by the best call that works there. A call that turns out
 * not to be supported is not tried again, and is logged once.
 */
final class RangeZeroer {
    private static final Logger log = LoggerFactory.getLogger(NativeFile.class);
    private static final ByteBuffer ZEROS = Alignment.buffer(256 << 10);

    private final NativeFile file;
    private final Posix posix;
    private volatile boolean noZeroRange;
    private volatile boolean noPunch;
    private volatile boolean noZeroOut;
    private volatile boolean noDiscard;

    RangeZeroer(NativeFile file) {
        this.file = file;
        this.posix = file.posix();
        this.noZeroOut = !file.isBlockDevice();
        this.noDiscard = !file.isBlockDevice();
    }

    void zero(long offset, long length, ZeroMode mode) throws PosixException {
        if (zeroFast(offset, length, mode)) {
            return;
        }
        long begin = Alignment.up(offset, file.directAlignment());
        long end = Alignment.down(offset + length, file.directAlignment());
        if (file.isBlockDevice() && begin < end && (zeroRange(begin, end - begin) || zeroOut(begin, end - begin))) {
            writeEdges(offset, begin, end, offset + length);
        } else {
            writeZeros(offset, length);
        }
    }

    /** The kernel itself may write zeros for a device's ZERO_RANGE and BLKZEROOUT; PUNCH_HOLE there is never slow. */
    boolean zeroFast(long offset, long length, ZeroMode mode) throws PosixException {
        if (length == 0) {
            return true;
        }
        if (!file.isBlockDevice()) {
            final boolean mayPunch = mode == ZeroMode.MAY_PUNCH;
            if (mayPunch && offset + length <= file.size() && punch(offset, length)) {
                return true; // ZERO_RANGE would allocate what is a hole
            }
            return zeroRange(offset, length) || (mayPunch && punchAndExtend(offset, length));
        }
        long begin = Alignment.up(offset, file.directAlignment());
        long end = Alignment.down(offset + length, file.directAlignment());
        if (mode == ZeroMode.KEEP_ALLOCATED || begin >= end || !punch(begin, end - begin)) {
            return false;
        }
        writeEdges(offset, begin, end, offset + length);
        return true;
    }

    private void writeEdges(long offset, long begin, long end, long offsetAfter) throws PosixException {
        writeZeros(offset, begin - offset);
        writeZeros(end, offsetAfter - end);
    }

    private boolean zeroRange(long offset, long length) throws PosixException {
        if (noZeroRange) {
            return false;
        }
        int fd = file.fd().acquire();
        try {
            int r = posix.fallocate(fd, Linux.FALLOC_FL_ZERO_RANGE, offset, length);
            noZeroRange = failedForGood(r, "fallocate ZERO_RANGE", offset, length);
            return r == 0;
        } finally {
            file.fd().release();
        }
    }

    private boolean zeroOut(long offset, long length) throws PosixException {
        if (noZeroOut) {
            return false;
        }
        int fd = file.fd().acquire();
        try {
            int r = posix.blkZeroOut(fd, offset, length);
            noZeroOut = failedForGood(r, "ioctl BLKZEROOUT", offset, length);
            return r == 0;
        } finally {
            file.fd().release();
        }
    }

    /** A punch leaves the size alone; the last block is therefore written where the range goes beyond the end. */
    private boolean punchAndExtend(long offset, long length) throws PosixException {
        if (!punch(offset, length)) {
            return false;
        }
        long end = offset + length;
        if (end > file.size()) {
            long last = Math.max(offset, Alignment.down(end - 1, file.directAlignment()));
            writeZeros(last, end - last);
        }
        return true;
    }

    boolean punch(long offset, long length) throws PosixException {
        if (noPunch) {
            return false;
        }
        if (length == 0) {
            return true;
        }
        int fd = file.fd().acquire();
        try {
            int r = posix.fallocate(fd, Linux.FALLOC_FL_PUNCH_HOLE | Linux.FALLOC_FL_KEEP_SIZE, offset, length);
            noPunch = failedForGood(r, "fallocate PUNCH_HOLE", offset, length);
            return r == 0;
        } finally {
            file.fd().release();
        }
    }

    boolean discard(long offset, long length) throws PosixException {
        if (!file.isBlockDevice()) {
            return punch(offset, length);
        }
        long begin = Alignment.up(offset, file.directAlignment());
        long end = Alignment.down(offset + length, file.directAlignment());
        if (noDiscard || end <= begin) {
            return false;
        }
        int fd = file.fd().acquire();
        try {
            int r = posix.blkDiscard(fd, begin, end - begin);
            noDiscard = failedForGood(r, "ioctl BLKDISCARD", begin, end - begin);
            return r == 0;
        } finally {
            file.fd().release();
        }
    }

    /** Returns whether the call is not supported; throws if it is and failed. */
    private boolean failedForGood(int result, String call, long offset, long length) throws PosixException {
        if (result >= 0) {
            return false;
        }
        if (!Errnos.isUnsupported(-result)) {
            throw new PosixException(call, file.fd().name(), offset, length, -result);
        }
        log.info("{}: {} is not supported ({}), using another way", file, call, Errnos.name(-result));
        return true;
    }

    private void writeZeros(long offset, long length) throws PosixException {
        long zeros = posix.addressOf(ZEROS);
        long done = 0;
        while (done < length) {
            long n = Math.min(length - done, ZEROS.capacity());
            file.pwrite(zeros, n, offset + done);
            done += n;
        }
    }
}
