package io.replicate.core.posix;

import jnr.ffi.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * The C library as jnr-ffi binds it.
 *
 * <p>jnr-ffi 2.3.4 passes garbage as the sixth argument of a call whose six arguments are all primitive (x86_64). Every
 * such call here therefore has at least one {@link Pointer}; {@code PosixSyscallTest} pins that.
 */
final class LibC {
    private LibC() {}

    /** Public, though only this package sees it: the classes that jnr-ffi generates live in a loader of their own. */
    public interface Functions {
        int open(String path, int flags, int mode);

        int close(int fd);

        int statx(int directory, String path, int flags, int mask, Pointer result);

        long pread(int fd, long address, long length, long offset);

        long pwrite(int fd, long address, long length, long offset);

        long read(int fd, long address, long length);

        long write(int fd, long address, long length);

        long send(int fd, long address, long length, int flags);

        long preadv2(int fd, Pointer vectors, int count, long offset, int flags);

        long pwritev2(int fd, Pointer vectors, int count, long offset, int flags);

        long syscall(long number, long first);

        long syscall(long number, long first, long second);

        long syscall(long number, long first, long second, long third);

        long syscall(long number, long first, long second, long third, long fourth, @Nullable Pointer fifth);

        long lseek(int fd, long offset, int whence);

        int fallocate(int fd, int mode, long offset, long length);

        int ftruncate(int fd, long length);

        int fsync(int fd);

        int fdatasync(int fd);

        int sync_file_range(int fd, long offset, long length, int flags);

        int posix_fadvise(int fd, long offset, long length, int advice);

        long copy_file_range(
                int in, @Nullable Pointer inOffset, int out, @Nullable Pointer outOffset, long n, int flags);

        int ioctl(int fd, long request, long argument);

        int ioctl(int fd, long request, Pointer argument);

        long splice(int in, @Nullable Pointer inOffset, int out, @Nullable Pointer outOffset, long n, int flags);

        long tee(int in, int out, long n, int flags);

        long vmsplice(int pipe, Pointer vectors, long count, int flags);

        long sendfile(int out, int in, @Nullable Pointer inOffset, long n);

        int pipe2(Pointer fds, int flags);

        int dup2(int from, int to);

        int fcntl(int fd, int command, long argument);

        int flock(int fd, int operation);

        int poll(long fds, long count, int timeoutMs);

        int poll(Pointer fds, long count, int timeoutMs);

        int shutdown(int fd, int how);

        int renameat2(int fromDirectory, String from, int toDirectory, String to, int flags);

        long mmap(@Nullable Pointer hint, long length, int protection, int flags, int fd, long offset);

        int munmap(long address, long length);

        int madvise(long address, long length, int advice);
    }
}
