package io.replicate.core.file;

import io.replicate.core.block.Block;
import io.replicate.core.posix.DurableFiles;
import io.replicate.core.posix.Fd;
import io.replicate.core.posix.Linux;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sizes;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Stored;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The writing of a regular file: a part file beside the target, that becomes the target on commit.
 *
 * <p><b>Design note:</b> storage is reserved in advance only when nearly all of the volume is data. Then a full disk shows
 * before the first byte and the file lies in one piece; a sparse volume would lose its holes, and punching them again
 * costs more than the reservation gains.
 */
final class FileSession implements Session<Extent> {
    private static final Logger log = LoggerFactory.getLogger(FileSession.class);

    private static final Set<String> IN_MEMORY = Set.of("tmpfs", "ramfs");

    /** A volume with holes of less than one part in this many counts as dense. */
    private static final int DENSE_PARTS = 32;

    /**
     * Until the first flush a part file is longer than its target by this, so that it is never taken for one in which
     * something is durable: a resumed session must find what its checkpoint remembers.
     */
    private static final int UNPROVEN_BYTES = 1;

    private final TargetPath target;
    private final PartFile part;
    private final ExtentWriter writer;
    private final long sizeBytes;
    private final boolean inMemory;
    private final NewMode newMode;
    private @Nullable FileSource proof;

    /** What was read back: of a file that grows, sources of growing sizes, since earlier ones may be in use. */
    private final List<FileSource> stored = new ArrayList<>();

    private boolean nameDurable; // used by the thread that flushes
    private boolean over;

    private FileSession(final TargetPath target, final PartFile part, final Target wanted, final long cleanFrom)
            throws IOException {
        this.target = target;
        this.part = part;
        this.sizeBytes = wanted.sizeBytes();
        this.newMode = NewMode.of(wanted);
        this.inMemory = isInMemory(target);
        this.writer = new ExtentWriter(part.file(), sizeBytes, cleanFrom);
    }

    static FileSession begin(final TargetPath target, final boolean direct, final Target wanted) throws IOException {
        requireDirectory(target);
        // there is no cache to go around where the cache is all there is
        final PartFile part = PartFile.open(target, direct && !isInMemory(target), wanted);
        try {
            requireSpace(target, wanted, part.file().stat().allocatedBytes());
            long cleanFrom = 0;
            if (part.resumed()) {
                cleanFrom = Long.MAX_VALUE;
            } else if (wanted.sizeBytes() != Unit.UNKNOWN) {
                if (isDense(wanted) && part.file().preallocate(0, wanted.sizeBytes())) {
                    cleanFrom = Long.MAX_VALUE;
                }
                part.file().truncate(wanted.sizeBytes() + (part.resumable() ? UNPROVEN_BYTES : 0));
            }
            return new FileSession(target, part, wanted, cleanFrom);
        } catch (final IOException | RuntimeException e) {
            try (part) {
                part.abandon();
                throw e;
            }
        }
    }

    private static boolean isInMemory(final TargetPath target) throws IOException {
        return IN_MEMORY.contains(Files.getFileStore(target.directory()).type());
    }

    private static void requireDirectory(final TargetPath target) throws IOException {
        final Path directory = target.directory();
        if (!Files.isDirectory(directory)) {
            throw ReplicationException.misuse(
                    target.path() + ": the directory " + directory + " does not exist; make it first");
        }
        target.requireWritableStorage();
        if (!Files.isWritable(directory)) {
            throw ReplicationException.misuse(target.path() + ": the directory " + directory
                    + " may not be written, and the new file is made there before it gets its name");
        }
    }

    private static void requireSpace(final TargetPath target, final Target wanted, final long haveBytes)
            throws IOException {
        if (wanted.dataBytes() == Unit.UNKNOWN && wanted.sizeBytes() == Unit.UNKNOWN) {
            return;
        }
        final FileStore store = Files.getFileStore(target.directory());
        final boolean known = wanted.dataBytes() != Unit.UNKNOWN;
        final long needBytes = (known ? wanted.dataBytes() : wanted.sizeBytes()) - Math.max(0, haveBytes);
        final long freeBytes = store.getUsableSpace();
        if (needBytes <= freeBytes) {
            return;
        }
        final String message = target.path() + ": needs " + Sizes.format(needBytes) + ", but only "
                + Sizes.format(freeBytes) + " are free on " + store;
        if (known) {
            throw ReplicationException.misuse(message + "; free some space, or name a target elsewhere");
        }
        log.warn("{}, unless the source has holes", message);
    }

    private static boolean isDense(final Target wanted) {
        final long holes = wanted.sizeBytes() - wanted.dataBytes();
        return wanted.dataBytes() > 0 && holes <= wanted.sizeBytes() / DENSE_PARTS;
    }

    @Override
    public boolean resumed() {
        return part.resumed();
    }

    @Override
    public Stored write(final Extent unit, final @Nullable Block from) throws IOException {
        return writer.write(unit, from);
    }

    @Override
    public void flush() throws IOException {
        if (part.resumable() && !nameDurable && sizeBytes != Unit.UNKNOWN && !part.resumed()) {
            part.file().truncate(sizeBytes);
        }
        writer.flush();
        if (part.resumable() && !nameDurable) {
            // what a checkpoint relies on must be found again after a power failure
            DurableFiles.fsyncDirectory(target.directory());
            nameDurable = true;
        }
    }

    @Override
    public Committed commit(final Revision revision) throws IOException {
        if (over) {
            throw new IllegalStateException(target.path() + ": the session is over");
        }
        writer.requireSound();
        takeFinalSize();
        part.takeOverAttributes(newMode);
        writer.sync();
        over = true;
        part.publish();
        return Committed.ATOMIC;
    }

    private long finalBytes() {
        return sizeBytes == Unit.UNKNOWN ? writer.endBytes() : sizeBytes;
    }

    private void takeFinalSize() throws IOException {
        if (part.file().size() != finalBytes()) {
            part.file().truncate(finalBytes());
        }
    }

    /** A file system in memory keeps bytes in pages that the kernel moves without a copy; disks are faster written around them. */
    @Override
    public Optional<Fd> spliceTarget() {
        return inMemory && !part.file().isDirect() ? Optional.of(part.file().fd()) : Optional.empty();
    }

    @Override
    public Stored spliced(final Extent unit) throws IOException {
        return writer.spliced(unit);
    }

    /** After the commit reads come from the storage itself, as far as the kernel lets go of its cache. */
    @Override
    public Optional<Source<Extent>> readBack() throws IOException {
        if (over) {
            part.file().advise(0, 0, Linux.POSIX_FADV_DONTNEED);
        }
        final long size = sizeBytes == Unit.UNKNOWN ? part.file().size() : sizeBytes;
        synchronized (stored) {
            if (stored.isEmpty() || stored.get(stored.size() - 1).geometry().sizeBytes() < size) {
                stored.add(FileSource.borrowing(part.file(), size));
            }
            return Optional.of(stored.get(stored.size() - 1));
        }
    }

    @Override
    public Optional<Source<Extent>> proof() throws IOException {
        if (proof == null) {
            if (!over) {
                takeFinalSize();
            }
            proof = FileSource.ofDurable(over ? target.path() : part.path(), finalBytes());
        }
        return Optional.of(proof);
    }

    @Override
    public void discard() throws IOException {
        part.discard();
        close();
    }

    @Override
    public void close() throws IOException {
        over = true;
        try (part) {
            if (proof != null) {
                proof.close();
            }
            for (final FileSource source : stored) {
                source.close();
            }
        }
    }
}
