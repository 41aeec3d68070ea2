package io.replicate.core.posix;

import jnr.constants.platform.Errno;

/** The errno values that callers of {@link Posix} compare with, for the machine this runs on. */
public final class Errnos {
    public static final int EAGAIN = Errno.EAGAIN.intValue();
    public static final int EBADF = Errno.EBADF.intValue();
    public static final int EBUSY = Errno.EBUSY.intValue();
    public static final int EEXIST = Errno.EEXIST.intValue();
    public static final int EINTR = Errno.EINTR.intValue();
    public static final int EINVAL = Errno.EINVAL.intValue();
    public static final int EIO = Errno.EIO.intValue();
    public static final int ENODEV = Errno.ENODEV.intValue();
    public static final int ENOENT = Errno.ENOENT.intValue();
    public static final int ENOSPC = Errno.ENOSPC.intValue();
    public static final int ENOSYS = Errno.ENOSYS.intValue();
    public static final int ENOTTY = Errno.ENOTTY.intValue();
    public static final int ENXIO = Errno.ENXIO.intValue();
    public static final int EOPNOTSUPP = Errno.EOPNOTSUPP.intValue();
    public static final int EPERM = Errno.EPERM.intValue();
    public static final int EPIPE = Errno.EPIPE.intValue();
    public static final int ETXTBSY = Errno.ETXTBSY.intValue();
    public static final int EXDEV = Errno.EXDEV.intValue();

    private Errnos() {}

    /** Returns the symbolic name of {@code errno}, such as {@code ENOSPC}, or {@code errno 524} where there is none. */
    public static String name(int errno) {
        if (errno == EOPNOTSUPP) {
            return "EOPNOTSUPP"; // on Linux ENOTSUP has the same number, and the kernel's documents use this name
        }
        if (errno == EAGAIN) {
            return "EAGAIN"; // likewise EWOULDBLOCK
        }
        Errno known = Errno.valueOf(errno);
        return known == Errno.__UNKNOWN_CONSTANT__ ? "errno " + errno : known.name();
    }

    /**
     * Returns whether {@code errno} says that the kernel, the file system or the device has no such operation, so that
     * the caller should take another way. EINVAL is not among them: it may as well be the caller's mistake.
     */
    public static boolean isUnsupported(int errno) {
        return errno == ENOSYS || errno == EOPNOTSUPP || errno == ENOTTY || errno == ENODEV;
    }
}
