package io.replicate.core.posix;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import jnr.constants.platform.Errno;
import org.jspecify.annotations.Nullable;

/**
 * Opens, reads, writes, truncates and syncs through {@link FileChannel}; descriptors are numbers of its own. Slower
 * than the native calls: bytes pass through an array.
 */
final class JavaPosix extends UnsupportedPosix {
    private static final int FIRST_FD = 1 << 20; // far from real descriptors, so that a mix-up is an EBADF
    private static final int ACCESS_MASK = 3;
    private static final int CHUNK_BYTES = 64 << 10;

    private final JavaMemory memory = JavaMemory.find();
    private final Map<Integer, OpenFile> files = new ConcurrentHashMap<>();
    private final AtomicInteger nextFd = new AtomicInteger(FIRST_FD);

    private record OpenFile(FileChannel channel, String path) {}

    @Override
    public long addressOf(ByteBuffer direct) {
        return memory.addressOf(direct);
    }

    @Override
    public void copyMemory(long from, long to, long length) {
        memory.copy(from, to, length);
    }

    @Override
    public int open(String path, int flags, int mode) {
        try {
            FileChannel channel = FileChannel.open(Path.of(path), options(flags));
            int fd = nextFd.getAndIncrement();
            files.put(fd, new OpenFile(channel, path));
            return fd;
        } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
            return -errno(e);
        }
    }

    private static Set<OpenOption> options(int flags) {
        Set<OpenOption> options = new HashSet<>();
        int access = flags & ACCESS_MASK;
        if (access != Linux.O_WRONLY) {
            options.add(StandardOpenOption.READ);
        }
        if (access != Linux.O_RDONLY) {
            options.add(StandardOpenOption.WRITE);
        }
        if ((flags & Linux.O_CREAT) != 0) {
            options.add((flags & Linux.O_EXCL) != 0 ? StandardOpenOption.CREATE_NEW : StandardOpenOption.CREATE);
        }
        if ((flags & Linux.O_TRUNC) != 0) {
            options.add(StandardOpenOption.TRUNCATE_EXISTING);
        }
        if ((flags & Linux.O_DIRECT) != 0) {
            options.add(ExtendedOpenOption.DIRECT);
        }
        return options;
    }

    @Override
    public int close(int fd) {
        OpenFile file = files.remove(fd);
        if (file == null) {
            return -Errnos.EBADF;
        }
        try {
            file.channel.close();
            return 0;
        } catch (IOException e) {
            return -errno(e);
        }
    }

    @Override
    public FileStat statx(int fd) throws PosixException {
        OpenFile file = files.get(fd);
        if (file == null) {
            throw new PosixException("stat", "fd " + fd, Errnos.EBADF);
        }
        return StatxCodec.ofPath(file.path);
    }

    @Override
    public long pread(int fd, long address, long length, long offset) {
        return transferIn(fd, address, length, offset);
    }

    @Override
    public long read(int fd, long address, long length) {
        return transferIn(fd, address, length, CURRENT);
    }

    @Override
    public long pwrite(int fd, long address, long length, long offset) {
        return transferOut(fd, address, length, offset);
    }

    @Override
    public long write(int fd, long address, long length) {
        return transferOut(fd, address, length, CURRENT);
    }

    private long transferIn(int fd, long address, long length, long offset) {
        OpenFile file = files.get(fd);
        if (file == null) {
            return -Errnos.EBADF;
        }
        byte[] bytes = new byte[(int) Math.min(length, CHUNK_BYTES)];
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        try {
            int n = offset == CURRENT ? file.channel.read(buffer) : file.channel.read(buffer, offset);
            if (n > 0) {
                memory.fromArray(bytes, address, n);
            }
            return Math.max(n, 0);
        } catch (IOException | RuntimeException e) {
            return -errno(e);
        }
    }

    private long transferOut(int fd, long address, long length, long offset) {
        OpenFile file = files.get(fd);
        if (file == null) {
            return -Errnos.EBADF;
        }
        byte[] bytes = new byte[(int) Math.min(length, CHUNK_BYTES)];
        memory.toArray(address, bytes, bytes.length);
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        try {
            return offset == CURRENT ? file.channel.write(buffer) : file.channel.write(buffer, offset);
        } catch (IOException | RuntimeException e) {
            return -errno(e);
        }
    }

    @Override
    public long lseek(int fd, long offset, int whence) {
        OpenFile file = files.get(fd);
        if (file == null) {
            return -Errnos.EBADF;
        }
        try {
            if (whence == Linux.SEEK_SET || whence == Linux.SEEK_END) {
                long base = whence == Linux.SEEK_END ? file.channel.size() : 0;
                file.channel.position(base + offset);
                return base + offset;
            }
            return -Errnos.ENOSYS;
        } catch (IOException | RuntimeException e) {
            return -errno(e);
        }
    }

    @Override
    public int ftruncate(int fd, long sizeBytes) {
        OpenFile file = files.get(fd);
        if (file == null) {
            return -Errnos.EBADF;
        }
        try {
            if (sizeBytes > file.channel.size()) {
                file.channel.write(ByteBuffer.wrap(new byte[1]), sizeBytes - 1);
            } else {
                file.channel.truncate(sizeBytes);
            }
            return 0;
        } catch (IOException | RuntimeException e) {
            return -errno(e);
        }
    }

    @Override
    public int fsync(int fd) {
        return force(fd, true);
    }

    @Override
    public int fdatasync(int fd) {
        return force(fd, false);
    }

    private int force(int fd, boolean metadata) {
        OpenFile file = files.get(fd);
        if (file == null) {
            return -Errnos.EBADF;
        }
        try {
            file.channel.force(metadata);
            return 0;
        } catch (IOException e) {
            return -errno(e);
        }
    }

    @Override
    public int rename(String from, String to, int flags) {
        if (flags != 0) {
            return -Errnos.ENOSYS;
        }
        try {
            Files.move(Path.of(from), Path.of(to), StandardCopyOption.ATOMIC_MOVE);
            return 0;
        } catch (IOException e) {
            return -errno(e);
        }
    }

    /** Java keeps the errno to itself, so the common ones are recovered from the exception's type and text. */
    private static int errno(Exception e) {
        if (e instanceof NoSuchFileException) {
            return Errnos.ENOENT;
        }
        if (e instanceof FileAlreadyExistsException) {
            return Errnos.EEXIST;
        }
        if (e instanceof AccessDeniedException) {
            return Errno.EACCES.intValue();
        }
        if (e instanceof ClosedChannelException) {
            return Errnos.EBADF;
        }
        if (e instanceof RuntimeException) {
            return Errnos.EINVAL; // not readable, not writable, negative position, unknown option
        }
        @Nullable String text = e.getMessage();
        return text != null && text.contains("No space left") ? Errnos.ENOSPC : Errnos.EIO;
    }
}
