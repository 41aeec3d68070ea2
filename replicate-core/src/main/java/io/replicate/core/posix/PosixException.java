package io.replicate.core.posix;

import java.io.IOException;

/**
 * A system call failed. The message says which, where and why:
 * {@code pwrite /dev/sdb offset=7340032 length=65536: ENOSPC}.
 */
public final class PosixException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String call;
    private final String path;
    private final long offset;
    private final long length;
    private final int errno;

    /**
     * @param call   the name of the system call
     * @param path   the file, device, pipe or socket it was for
     * @param offset the first byte concerned, or -1 where the call has no place
     * @param length the number of bytes concerned, or -1
     * @param errno  the positive error number
     */
    public PosixException(String call, String path, long offset, long length, int errno) {
        super(message(call, path, offset, length) + ": " + Errnos.name(errno));
        this.call = call;
        this.path = path;
        this.offset = offset;
        this.length = length;
        this.errno = errno;
    }

    /** For a call without a place in the file. */
    public PosixException(String call, String path, int errno) {
        this(call, path, -1, -1, errno);
    }

    /** Returns {@code result} if it is a success (0 or more), and throws what it says otherwise. */
    public static long check(long result, String call, String path) throws PosixException {
        if (result < 0) {
            throw new PosixException(call, path, (int) -result);
        }
        return result;
    }

    /** As {@link #check(long, String, String)}, for a call on a range of bytes. */
    public static long check(long result, String call, String path, long offset, long length) throws PosixException {
        if (result < 0) {
            throw new PosixException(call, path, offset, length, (int) -result);
        }
        return result;
    }

    private static String message(String call, String path, long offset, long length) {
        StringBuilder text = new StringBuilder(call).append(' ').append(path);
        if (offset >= 0) {
            text.append(" offset=").append(offset);
        }
        if (length >= 0) {
            text.append(" length=").append(length);
        }
        return text.toString();
    }

    public String call() {
        return call;
    }

    public String path() {
        return path;
    }

    /** Returns the first byte concerned, or -1. */
    public long offset() {
        return offset;
    }

    /** Returns the number of bytes concerned, or -1. */
    public long length() {
        return length;
    }

    /** Returns the positive error number, to be compared with a constant of {@link Errnos}. */
    public int errno() {
        return errno;
    }

    /** Returns the symbolic name of the error, such as {@code ENOSPC}. */
    public String errnoName() {
        return Errnos.name(errno);
    }

    /** Returns whether the operation does not exist here, so that another way should be taken. */
    public boolean isUnsupported() {
        return Errnos.isUnsupported(errno);
    }
}
