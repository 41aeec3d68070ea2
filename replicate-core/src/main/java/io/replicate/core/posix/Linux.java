package io.replicate.core.posix;

/** Numbers of the Linux system call interface, for 64-bit machines. Errno values are in {@link Errnos}. */
public final class Linux {
    public static final int O_RDONLY = 0;
    public static final int O_WRONLY = 1;
    public static final int O_RDWR = 2;
    public static final int O_CREAT = 0x40;
    public static final int O_EXCL = 0x80;
    public static final int O_TRUNC = 0x200;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_CLOEXEC = 0x80000;
    /** Differs between processor families, unlike the flags above. */
    public static final int O_DIRECT = oDirect(System.getProperty("os.arch", ""));

    /** {@code lseek}: absolute position. */
    public static final int SEEK_SET = 0;
    /** {@code lseek}: relative to the end; the result is the size of a file or block device. */
    public static final int SEEK_END = 2;

    public static final int SEEK_DATA = 3;
    public static final int SEEK_HOLE = 4;

    public static final int FALLOC_FL_KEEP_SIZE = 0x01;
    public static final int FALLOC_FL_PUNCH_HOLE = 0x02;
    public static final int FALLOC_FL_ZERO_RANGE = 0x10;

    /** {@code preadv2}: answer EAGAIN rather than wait for the disk. */
    public static final int RWF_NOWAIT = 0x08;
    /** {@code pwritev2}: this write is durable on return, as with O_DSYNC. */
    public static final int RWF_DSYNC = 0x02;

    public static final int SPLICE_F_MOVE = 0x01;
    public static final int SPLICE_F_NONBLOCK = 0x02;
    public static final int SPLICE_F_MORE = 0x04;

    public static final int F_GETFL = 3;
    public static final int F_SETFL = 4;
    /** {@code fcntl}: the lowest free descriptor from the argument on, with close-on-exec. */
    public static final int F_DUPFD_CLOEXEC = 1030;

    public static final int F_SETPIPE_SZ = 1031;
    public static final int F_GETPIPE_SZ = 1032;

    public static final int LOCK_SH = 1;
    public static final int LOCK_EX = 2;
    public static final int LOCK_NB = 4;
    public static final int LOCK_UN = 8;

    public static final int SYNC_FILE_RANGE_WAIT_BEFORE = 1;
    public static final int SYNC_FILE_RANGE_WRITE = 2;
    public static final int SYNC_FILE_RANGE_WAIT_AFTER = 4;

    public static final int POSIX_FADV_NORMAL = 0;
    public static final int POSIX_FADV_RANDOM = 1;
    public static final int POSIX_FADV_SEQUENTIAL = 2;
    public static final int POSIX_FADV_WILLNEED = 3;
    public static final int POSIX_FADV_DONTNEED = 4;

    public static final int PROT_READ = 1;
    public static final int PROT_WRITE = 2;
    public static final int MAP_SHARED = 0x01;
    public static final int MAP_PRIVATE = 0x02;
    public static final int MAP_ANONYMOUS = 0x20;
    public static final int MADV_HUGEPAGE = 14;

    public static final short POLLIN = 0x001;
    public static final short POLLOUT = 0x004;
    public static final short POLLERR = 0x008;
    public static final short POLLHUP = 0x010;
    public static final short POLLNVAL = 0x020;

    /** More follows at once: a socket may wait for it with what does not fill a packet. */
    public static final int MSG_MORE = 0x8000;

    public static final int SHUT_RD = 0;
    public static final int SHUT_WR = 1;
    public static final int SHUT_RDWR = 2;

    /** {@code renameat2}: EEXIST rather than replace an existing name. */
    public static final int RENAME_NOREPLACE = 1;

    private Linux() {}

    private static int oDirect(String arch) {
        return switch (arch) {
            case "aarch64", "arm" -> 0x10000;
            case "ppc64", "ppc64le" -> 0x20000;
            default -> 0x4000;
        };
    }
}
