package io.replicate.nbd.protocol;

import io.replicate.core.posix.PosixException;
import java.nio.file.FileSystemException;
import java.nio.file.ReadOnlyFileSystemException;
import org.jspecify.annotations.Nullable;

/** The error values that a reply may carry: the protocol allows these, whatever errno the system had. */
public final class NbdError {
    public static final int OK = 0;
    public static final int EPERM = 1;
    public static final int EIO = 5;
    public static final int ENOMEM = 12;
    public static final int EINVAL = 22;
    public static final int ENOSPC = 28;
    public static final int EOVERFLOW = 75;
    public static final int ENOTSUP = 95;
    public static final int ESHUTDOWN = 108;

    /** Not a value of newstyle NBD: what oldstyle flexnbd answers to a wrong request magic before it closes. */
    public static final int OLDSTYLE_EBADMSG = 74;

    private static final int LINUX_EFBIG = 27;
    private static final int LINUX_EROFS = 30;
    private static final int LINUX_EDQUOT = 122;

    private NbdError() {}

    /** Returns the value for a failed operation on an export: its errno where it has one that is allowed, else EIO. */
    public static int of(Throwable failure) {
        for (@Nullable Throwable t = failure; t != null; t = t.getCause()) {
            if (t instanceof NbdException e) {
                return e.error();
            }
            if (t instanceof PosixException e) {
                return ofErrno(e.errno());
            }
            if (t instanceof UnsupportedOperationException && !(t instanceof ReadOnlyFileSystemException)) {
                return ENOTSUP;
            }
            if (t instanceof IllegalArgumentException) {
                return EINVAL;
            }
            if (t instanceof OutOfMemoryError) {
                return ENOMEM;
            }
            if (t instanceof FileSystemException e && e.getReason() != null && isFull(e.getReason())) {
                return ENOSPC;
            }
            if (t.getMessage() != null && isFull(t.getMessage())) {
                return ENOSPC;
            }
        }
        return EIO;
    }

    /** java.nio has no errno: the text of strerror(3) is all that tells a full disk from a broken one. */
    private static boolean isFull(String reason) {
        return reason.endsWith("No space left on device")
                || reason.endsWith("Disk quota exceeded")
                || reason.endsWith("File too large");
    }

    /** Returns the value that stands for a Linux errno. */
    public static int ofErrno(int errno) {
        return switch (errno) {
            case EPERM, LINUX_EROFS -> EPERM;
            case ENOMEM -> ENOMEM;
            case EINVAL -> EINVAL;
            case ENOSPC, LINUX_EFBIG, LINUX_EDQUOT -> ENOSPC;
            case ENOTSUP -> ENOTSUP;
            case ESHUTDOWN -> ESHUTDOWN;
            default -> EIO;
        };
    }

    /** Returns the symbolic name of a value. */
    public static String name(int error) {
        return switch (error) {
            case OK -> "OK";
            case EPERM -> "EPERM";
            case EIO -> "EIO";
            case ENOMEM -> "ENOMEM";
            case EINVAL -> "EINVAL";
            case ENOSPC -> "ENOSPC";
            case EOVERFLOW -> "EOVERFLOW";
            case ENOTSUP -> "ENOTSUP";
            case ESHUTDOWN -> "ESHUTDOWN";
            case OLDSTYLE_EBADMSG -> "EBADMSG";
            default -> "error " + error;
        };
    }
}
