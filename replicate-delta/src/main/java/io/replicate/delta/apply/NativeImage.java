package io.replicate.delta.apply;

import io.replicate.core.posix.NativeFile;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** A regular file or block device as an image. */
public final class NativeImage implements TargetImage {
    private final NativeFile file;
    private final long sizeBytes;

    private NativeImage(final NativeFile file) throws IOException {
        this.file = file;
        this.sizeBytes = file.size();
    }

    /**
     * Opens an image for writing, and locks it.
     *
     * @throws ReplicationException MISUSE when another process has it locked.
     */
    public static NativeImage openLocked(final Path path) throws IOException {
        final NativeFile file = NativeFile.open(path, NativeFile.Option.READ, NativeFile.Option.WRITE);
        if (!file.tryLock()) {
            file.close();
            throw ReplicationException.misuse(
                    path + ": another process has it locked; a second writer would destroy it");
        }
        return new NativeImage(file);
    }

    /** Opens an image for reading. */
    public static NativeImage openReadOnly(final Path path, final boolean direct) throws IOException {
        return new NativeImage(
                direct
                        ? NativeFile.open(path, NativeFile.Option.READ, NativeFile.Option.DIRECT)
                        : NativeFile.open(path, NativeFile.Option.READ));
    }

    /** Returns the open file, for what only files can do. */
    NativeFile file() {
        return file;
    }

    @Override
    public long size() {
        return sizeBytes;
    }

    @Override
    public void read(final long offset, final ByteBuffer into) throws IOException {
        readFully(file, offset, into);
    }

    static void readFully(final NativeFile file, final long offset, final ByteBuffer into) throws IOException {
        final int wanted = into.remaining();
        final int got;
        if (into.isDirect()) {
            got = file.read(into, offset);
        } else {
            final ByteBuffer direct = ByteBuffer.allocateDirect(wanted);
            got = file.read(direct, offset);
            into.put(direct.flip());
        }
        if (got < wanted) {
            throw ReplicationException.fail(
                    "read " + file + " offset=" + offset + " length=" + wanted + ": only " + got
                            + " bytes are there; the file was cut",
                    null);
        }
    }

    @Override
    public void write(final long offset, final ByteBuffer from) throws IOException {
        file.write(DirectBuffers.of(from), offset);
        from.position(from.limit());
    }

    @Override
    public void flush() throws IOException {
        file.datasync();
    }

    @Override
    public void close() throws IOException {
        file.close();
    }

    @Override
    public String toString() {
        return file.toString();
    }
}
