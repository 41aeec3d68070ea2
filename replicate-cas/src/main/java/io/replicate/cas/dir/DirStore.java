package io.replicate.cas.dir;

import io.replicate.cas.store.CasStore;
import io.replicate.cas.store.OnePlaceStore;
import io.replicate.cas.store.Proof;
import io.replicate.core.block.Block;
import io.replicate.core.posix.DurableFiles;
import io.replicate.core.posix.FileCopy;
import io.replicate.core.posix.NativeFile;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Presence;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Contents as files {@code xxx/hash} of a directory, {@code xxx} being the first three digits: what a keepstore's directory
 * volume looks like, so a volume can be copied without its server. A file has its name when it is whole and on disk.
 * Thread-safe.
 */
public final class DirStore extends OnePlaceStore {
    private static final int SUB_DIGITS = 3;

    private final Path directory;

    /**
     * Opens a store.
     *
     * @param directory that exists.
     * @param algorithm that names the contents; MD5 for Keep.
     * @throws ReplicationException MISUSE when it is not a directory.
     */
    public DirStore(final Path directory, final Digest.Algorithm algorithm) throws ReplicationException {
        super("dir:" + directory, algorithm);
        if (!Files.isDirectory(directory)) {
            throw ReplicationException.misuse("dir:" + directory + ": no such directory: make it first");
        }
        this.directory = directory;
    }

    @Override
    public void index(final int place, final String prefix, final Entries entries) throws IOException {
        try (DirectoryStream<Path> subs = Files.newDirectoryStream(directory)) {
            for (final Path sub : subs) {
                final String digits = String.valueOf(sub.getFileName());
                if (digits.matches("[0-9a-f]{3}") && (digits.startsWith(prefix) || prefix.startsWith(digits))) {
                    indexSub(sub, prefix, entries);
                }
            }
        }
    }

    private void indexSub(final Path sub, final String prefix, final Entries entries) throws IOException {
        final int length = 2 * algorithm().hashBytes();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(sub)) {
            for (final Path file : files) {
                final String hash = String.valueOf(file.getFileName());
                if (hash.length() == length && hash.startsWith(prefix) && hash.matches("[0-9a-f]+")) {
                    entry(file, hash, entries);
                }
            }
        }
    }

    private static void entry(final Path file, final String hash, final Entries entries) throws IOException {
        final BasicFileAttributes attributes;
        try {
            attributes = Files.readAttributes(file, BasicFileAttributes.class);
        } catch (final NoSuchFileException e) {
            return; // removed since it was listed
        }
        if (attributes.isRegularFile()) {
            entries.entry(
                    HexFormat.of().parseHex(hash),
                    attributes.size(),
                    attributes.lastModifiedTime().to(TimeUnit.NANOSECONDS));
        }
    }

    private Path file(final Digest digest) {
        final String hex = digest.hex();
        return directory.resolve(hex.substring(0, SUB_DIGITS)).resolve(hex);
    }

    @Override
    public int read(final Digest unit, final Block into) throws IOException {
        final int length = readFile(unit, into);
        if (length < 0) {
            return -1;
        }
        if (!Proof.holds(unit, into.bytes())) {
            throw ReplicationException.corrupt(file(unit) + ": its content has another digest than its name");
        }
        return length;
    }

    /** Reads what is there, proven or not; -1 when there is nothing. */
    private int readFile(final Digest unit, final Block into) throws IOException {
        final Path file = file(unit);
        if (!Files.exists(file)) {
            return -1;
        }
        try (NativeFile open = NativeFile.open(file, NativeFile.Option.READ)) {
            final long size = open.size();
            if (size > into.capacity()) {
                throw ReplicationException.corrupt(
                        file + ": " + size + " bytes, at most " + into.capacity() + " expected");
            }
            final ByteBuffer space = into.space().limit((int) size);
            while (space.hasRemaining() && open.read(space, space.position()) > 0) {
                // A file may be read in pieces.
            }
            into.length(space.position());
            return space.position();
        }
    }

    @Override
    public Presence stat(final Digest digest) throws IOException {
        try {
            return new Presence(1, Files.size(file(digest)));
        } catch (final NoSuchFileException e) {
            return Presence.ABSENT;
        }
    }

    @Override
    public void storeAt(final int place, final Digest digest, final Block from) throws IOException {
        publish(digest, open -> {
            open.preallocate(0, from.length());
            open.write(from.bytes(), 0);
        });
    }

    /** From directory to directory the kernel copies, or the file system shares, what was just read and proven. */
    @Override
    public boolean storeFrom(final CasStore other, final Digest digest, final int proven) throws IOException {
        if (!(other instanceof DirStore directoryStore)) {
            return false;
        }
        try (NativeFile source = NativeFile.open(directoryStore.file(digest), NativeFile.Option.READ)) {
            publish(digest, open -> {
                final long copied = FileCopy.copyRange(source, 0, open, 0, proven);
                if (copied != proven) {
                    throw ReplicationException.corrupt(source.path() + ": got shorter while it was copied");
                }
            });
        }
        return true;
    }

    private interface Content {
        void writeTo(NativeFile file) throws IOException;
    }

    /** Writes a file beside its place, makes it durable, and gives it its name. */
    private void publish(final Digest digest, final Content content) throws IOException {
        final Path file = file(digest);
        makeSubDirectory(file.getParent());
        final Path beside = DurableFiles.temporaryBeside(file);
        try {
            try (NativeFile open = NativeFile.open(
                    beside, NativeFile.Option.WRITE, NativeFile.Option.CREATE, NativeFile.Option.EXCLUSIVE)) {
                content.writeTo(open);
                open.sync();
            }
            DurableFiles.publish(beside, file);
        } finally {
            Files.deleteIfExists(beside);
        }
    }

    private void makeSubDirectory(final @Nullable Path sub) throws IOException {
        if (sub != null && !Files.isDirectory(sub)) {
            Files.createDirectories(sub);
            DurableFiles.fsyncDirectory(directory);
        }
    }

    @Override
    public boolean touch(final int place, final Digest digest, final @Nullable Block from) throws IOException {
        try {
            Files.setLastModifiedTime(file(digest), FileTime.from(Instant.now()));
            return true;
        } catch (final NoSuchFileException e) {
            return false;
        }
    }

    @Override
    public void close() {
        // Nothing is kept open.
    }
}
