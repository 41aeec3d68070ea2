package io.replicate.core.posix;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Copies ranges from one file to another by the best means that work between the two: sharing storage (FICLONERANGE),
 * inside the kernel (copy_file_range), or through a buffer. What turns out not to be supported is not tried again, and
 * is logged once. For one thread.
 */
public final class FileCopy {
    private static final Logger log = LoggerFactory.getLogger(FileCopy.class);
    private static final int BUFFER_BYTES = 1 << 20;

    /** Whether the copy may share storage with its source. */
    public enum Reflink {
        /** Share where the file system can. */
        AUTO,
        /** Always make a second copy, on storage of its own. */
        NEVER
    }

    private final Posix posix;
    private final NativeFile source;
    private final NativeFile target;
    private boolean clone;
    private boolean kernelCopy;
    private @Nullable ByteBuffer buffer;

    public FileCopy(NativeFile source, NativeFile target, Reflink reflink) {
        this.posix = source.posix();
        this.source = source;
        this.target = target;
        boolean files = !source.isBlockDevice() && !target.isBlockDevice();
        this.clone = files && reflink == Reflink.AUTO;
        // copy_file_range may share storage, too, and goes through the page cache, which DIRECT asked to avoid
        this.kernelCopy = files && reflink == Reflink.AUTO && !source.isDirect() && !target.isDirect();
    }

    /** Copies one range, sharing storage where possible. Returns as {@link #range}. */
    public static long copyRange(
            NativeFile source, long sourceOffset, NativeFile target, long targetOffset, long length)
            throws PosixException {
        return new FileCopy(source, target, Reflink.AUTO).range(sourceOffset, targetOffset, length);
    }

    /**
     * Copies a range. Holes are copied as zeros or as holes, as the file system likes. Nothing is durable on return.
     *
     * @return the number of bytes copied; less than {@code length} only if the source ended
     */
    public long range(long sourceOffset, long targetOffset, long length) throws PosixException {
        if (clone && length > 0 && cloneRange(sourceOffset, targetOffset, length)) {
            return length;
        }
        long done = kernelCopy ? kernelCopy(sourceOffset, targetOffset, length) : 0;
        return done + throughBuffer(sourceOffset + done, targetOffset + done, length - done);
    }

    private boolean cloneRange(long sourceOffset, long targetOffset, long length) throws PosixException {
        int in = source.fd().acquire();
        try {
            int out = target.fd().acquire();
            try {
                int r = posix.ficloneRange(out, targetOffset, in, sourceOffset, length);
                if (r == 0) {
                    return true;
                }
                if (r == -Errnos.EINVAL) {
                    return false; // this range is not aligned, or reaches beyond the end; others may do
                }
                clone = false;
                requireUnsupported(-r, "ioctl FICLONERANGE", targetOffset, length);
                return false;
            } finally {
                target.fd().release();
            }
        } finally {
            source.fd().release();
        }
    }

    private long kernelCopy(long sourceOffset, long targetOffset, long length) throws PosixException {
        int in = source.fd().acquire();
        try {
            int out = target.fd().acquire();
            try {
                long done = 0;
                while (done < length) {
                    long n = posix.copyFileRange(in, sourceOffset + done, out, targetOffset + done, length - done);
                    if (n < 0) {
                        kernelCopy = false;
                        requireUnsupported((int) -n, "copy_file_range", targetOffset + done, length - done);
                    }
                    if (n <= 0) {
                        break; // 0 is the end, or a file system that lies: the read that follows tells
                    }
                    done += n;
                }
                return done;
            } finally {
                target.fd().release();
            }
        } finally {
            source.fd().release();
        }
    }

    /** EINVAL stands here for a kind of file that the call does not take; a real mistake shows in the plain copy. */
    private void requireUnsupported(int errno, String call, long offset, long length) throws PosixException {
        boolean unsupported = Errnos.isUnsupported(errno)
                || errno == Errnos.EXDEV
                || errno == Errnos.EINVAL
                || errno == Errnos.EPERM
                || errno == Errnos.ETXTBSY;
        if (!unsupported) {
            throw new PosixException(call, source + " -> " + target, offset, length, errno);
        }
        log.info("{} -> {}: {} is not supported ({}), using another way", source, target, call, Errnos.name(errno));
    }

    private long throughBuffer(long sourceOffset, long targetOffset, long length) throws PosixException {
        if (length == 0) {
            return 0;
        }
        ByteBuffer memory = buffer;
        if (memory == null) {
            memory = Alignment.buffer(BUFFER_BYTES);
            buffer = memory;
        }
        try {
            long address = posix.addressOf(memory);
            long done = 0;
            while (done < length) {
                long n = source.pread(address, Math.min(length - done, BUFFER_BYTES), sourceOffset + done);
                if (n == 0) {
                    break;
                }
                target.pwrite(address, n, targetOffset + done);
                done += n;
            }
            return done;
        } finally {
            Reference.reachabilityFence(memory);
        }
    }
}
