package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import io.replicate.core.posix.DurableFiles;
import io.replicate.core.posix.NativeFile;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Files NAME_0, NAME_1, … of equal size. None may exist, and none appears before all are whole. */
final class SplitTarget implements StreamTarget {
    private final Path path;
    private final long partBytes;
    private final boolean force;
    private final List<Path> temporary = new ArrayList<>();
    private final List<NativeFile> files = new CopyOnWriteArrayList<>();

    SplitTarget(final Path path, final long partBytes, final boolean force) throws IOException {
        this.path = path.toAbsolutePath();
        this.partBytes = partBytes;
        this.force = force;
        requireFree(0);
        part(0);
    }

    private Path name(final int part) {
        return path.resolveSibling(path.getFileName() + "_" + part);
    }

    private void requireFree(final int part) throws IOException {
        if (!force && Files.exists(name(part))) {
            throw ReplicationException.misuse(name(part) + ": exists already; remove the parts of an older copy");
        }
    }

    private NativeFile part(final int number) throws IOException {
        while (files.size() <= number) {
            requireFree(files.size());
            final Path beside = DurableFiles.temporaryBeside(name(files.size()));
            files.add(NativeFile.open(
                    beside,
                    NativeFile.Option.READ,
                    NativeFile.Option.WRITE,
                    NativeFile.Option.CREATE,
                    NativeFile.Option.EXCLUSIVE));
            temporary.add(beside);
        }
        return files.get(number);
    }

    @Override
    public void write(final long offset, final Block block) throws IOException {
        final ByteBuffer bytes = block.bytes();
        long at = offset;
        while (bytes.hasRemaining()) {
            final long inPart = at % partBytes;
            final int length = (int) Math.min(bytes.remaining(), partBytes - inPart);
            part(Math.toIntExact(at / partBytes)).write(bytes.slice(bytes.position(), length), inPart);
            bytes.position(bytes.position() + length);
            at += length;
        }
    }

    @Override
    public boolean readBack(final long offset, final Block into) throws IOException {
        final ByteBuffer space = into.bytes();
        while (space.hasRemaining()) {
            final long at = offset + space.position();
            final long inPart = at % partBytes;
            final int end = space.limit();
            space.limit((int) Math.min(end, space.position() + partBytes - inPart));
            if (files.get(Math.toIntExact(at / partBytes)).read(space, inPart) < 1) {
                throw new IOException(name((int) (at / partBytes)) + ": ends before offset " + inPart);
            }
            space.limit(end);
        }
        return true;
    }

    @Override
    public void commit() throws IOException {
        for (final NativeFile file : files) {
            file.sync();
        }
        for (int i = 0; i < files.size(); i++) {
            if (force) {
                DurableFiles.publish(temporary.get(i), name(i));
            } else {
                DurableFiles.publishNew(temporary.get(i), name(i));
            }
        }
        temporary.clear();
    }

    @Override
    public void close() throws IOException {
        files.forEach(Threads::closeQuietly);
        for (final Path left : temporary) {
            Files.deleteIfExists(left);
        }
    }
}
