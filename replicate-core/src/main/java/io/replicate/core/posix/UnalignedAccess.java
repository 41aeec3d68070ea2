package io.replicate.core.posix;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Transfers of a file opened with O_DIRECT. The aligned part goes straight through; what is not aligned is read
 * through an aligned buffer (never through the page cache, which may be stale on device-mapper devices) and written
 * through a second, buffered descriptor, with which the kernel keeps direct reads coherent. An unaligned write must
 * not run at the same time as another write to the same block.
 */
final class UnalignedAccess implements AutoCloseable {
    private static final int BOUNCE_BYTES = 1 << 20;

    private final Posix posix;
    private final Fd direct;
    private final int alignment;
    private final Object lock = new Object();
    private @Nullable Fd buffered; // guarded by lock
    private boolean closed; // guarded by lock

    UnalignedAccess(Posix posix, Fd direct, int alignment) {
        this.posix = posix;
        this.direct = direct;
        this.alignment = alignment;
    }

    long pread(long address, long length, long offset) throws PosixException {
        long aligned = alignedPart(address, length, offset);
        long done = aligned == 0 ? 0 : preadAligned(address, aligned, offset);
        if (done < aligned || done == length) {
            return done;
        }
        return done + bounce(address + done, length - done, offset + done);
    }

    void pwrite(long address, long length, long offset) throws PosixException {
        long aligned = alignedPart(address, length, offset);
        if (aligned > 0) {
            Transfers.pwrite(posix, direct, address, aligned, offset);
        }
        if (aligned < length) {
            Transfers.pwrite(posix, buffered(), address + aligned, length - aligned, offset + aligned);
        }
    }

    private long alignedPart(long address, long length, long offset) {
        return ((address | offset) & (alignment - 1)) == 0 ? Alignment.down(length, alignment) : 0;
    }

    /** A direct read that stops off a block boundary has met the end of the file; reading on from there is EINVAL. */
    private long preadAligned(long address, long length, long offset) throws PosixException {
        int fd = direct.acquire();
        try {
            long done = 0;
            while (done < length) {
                long n = posix.pread(fd, address + done, length - done, offset + done);
                PosixException.check(n, "pread", direct.name(), offset + done, length - done);
                done += n;
                if (n == 0 || (n & (alignment - 1)) != 0) {
                    break;
                }
            }
            return done;
        } finally {
            direct.release();
        }
    }

    private long bounce(long address, long length, long offset) throws PosixException {
        long begin = Alignment.down(offset, alignment);
        long end = Alignment.up(offset + length, alignment);
        ByteBuffer buffer = Alignment.buffer((int) Math.min(end - begin, BOUNCE_BYTES));
        try {
            long from = posix.addressOf(buffer);
            long done = 0;
            while (done < length) {
                long blockOffset = Alignment.down(offset + done, alignment);
                long wanted = Math.min(end - blockOffset, buffer.capacity());
                long n = preadAligned(from, wanted, blockOffset);
                long skip = offset + done - blockOffset;
                long useful = Math.min(n - skip, length - done);
                if (useful > 0) {
                    posix.copyMemory(from + skip, address + done, useful);
                    done += useful;
                }
                if (n < wanted) {
                    break;
                }
            }
            return done;
        } finally {
            Reference.reachabilityFence(buffer);
        }
    }

    private Fd buffered() throws PosixException {
        synchronized (lock) {
            Fd twin = buffered;
            if (twin == null) {
                int fd = direct.acquire();
                try {
                    if (closed) {
                        throw new PosixException("use of closed", direct.name(), Errnos.EBADF);
                    }
                    String path = posix.isNative() ? "/proc/self/fd/" + fd : direct.name();
                    long number =
                            PosixException.check(posix.open(path, Linux.O_WRONLY, 0), "open buffered", direct.name());
                    twin = Fd.adopt(posix, (int) number, direct.name());
                } finally {
                    direct.release();
                }
                buffered = twin;
            }
            return twin;
        }
    }

    @Override
    public void close() throws IOException {
        synchronized (lock) {
            closed = true;
            if (buffered != null) {
                buffered.close();
            }
        }
    }
}
