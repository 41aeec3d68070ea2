package io.replicate.ring.tar;

import io.replicate.core.block.Block;
import io.replicate.core.posix.DurableFiles;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Stored;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One unpacking. Extents come in order; runs of zeros are part of the stream. */
final class TarSession implements Session<Extent> {
    private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(64 << 10).asReadOnlyBuffer();

    private final Path parent;
    private final Path directory;
    private final Path growing;
    private final TarProcess tar;
    private final WritableByteChannel stream;
    private long position;
    private boolean committed;

    /**
     * Starts to unpack.
     *
     * @param parent of the directory, which is there.
     * @param growing where the files go: the directory itself when it is updated.
     */
    TarSession(final Path parent, final Path directory, final Path growing) throws IOException {
        this.parent = parent;
        this.directory = directory;
        this.growing = growing;
        if (isNew()) {
            removeTree(growing); // of a run that was killed
            Files.createDirectory(growing);
        }
        this.tar = TarProcess.start(List.of(
                "tar", "--extract", "--file=-", "--preserve-permissions", "--numeric-owner", "--directory=" + growing));
        this.stream = Channels.newChannel(tar.input());
    }

    private boolean isNew() {
        return !growing.equals(directory);
    }

    @Override
    public boolean resumed() {
        return false;
    }

    @Override
    public Stored write(final Extent unit, final @Nullable Block from) throws IOException {
        if (unit.offset() != position) {
            throw new IllegalArgumentException(unit + " behind " + position);
        }
        try {
            if (unit.hasData()) {
                if (from == null || from.length() != unit.length()) {
                    throw new IllegalArgumentException(unit + " without its bytes");
                }
                send(from.bytes());
            } else {
                for (long left = unit.length(); left > 0; left -= Math.min(left, ZEROS.capacity())) {
                    send(ZEROS.duplicate().limit((int) Math.min(left, ZEROS.capacity())));
                }
            }
        } catch (final IOException e) {
            tar.requireSuccess("write to " + directory);
            throw ReplicationException.fail("write to " + directory + ": tar took no more" + tar.said(), e);
        }
        position = unit.end();
        return Stored.ONCE;
    }

    private void send(final ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            stream.write(bytes);
        }
    }

    /** What tar has taken cannot be resumed, so nobody relies on it before the commit. */
    @Override
    public void flush() {}

    @Override
    public Committed commit(final Revision revision) throws IOException {
        stream.close();
        tar.requireSuccess("unpacking to " + directory);
        sync();
        if (isNew()) {
            Files.move(growing, directory, StandardCopyOption.ATOMIC_MOVE);
            DurableFiles.fsyncDirectory(parent);
        }
        committed = true;
        return isNew() ? Committed.ATOMIC : Committed.IN_PLACE;
    }

    /** Syncs the file system that the tree is on, not the whole machine. */
    private void sync() throws IOException {
        try (TarProcess sync = TarProcess.start(List.of("sync", "--file-system", growing.toString()))) {
            sync.requireSuccess("sync of " + directory);
        }
    }

    @Override
    public void close() throws IOException {
        tar.close();
        if (!committed && isNew()) {
            removeTree(growing);
        }
    }

    private static void removeTree(final Path tree) throws IOException {
        if (!Files.exists(tree)) {
            return;
        }
        Files.walkFileTree(tree, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(final Path file, final BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(final Path dir, final @Nullable IOException e)
                    throws IOException {
                Files.delete(dir);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
