package io.replicate.core.job;

import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.ContentStore;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Source;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The opened ends of one copy, and what goes between them. Used by one thread after the other. */
final class Ends {
    private static final Logger LOG = LoggerFactory.getLogger(Ends.class);

    private final Source<?> source;
    private final Sink<?> sink;
    private final @Nullable Checkpoint checkpoint;
    private final @Nullable Locator from;
    private final @Nullable Locator to;
    private final @Nullable Locator memory;
    private final @Nullable JobId id;
    private final boolean contents;
    private final Deque<AutoCloseable> owned;

    private Ends(
            final Source<?> source,
            final Sink<?> sink,
            final @Nullable Checkpoint checkpoint,
            final @Nullable Locator from,
            final @Nullable Locator to,
            final @Nullable Locator memory,
            final @Nullable JobId id,
            final boolean contents,
            final Deque<AutoCloseable> owned) {
        this.source = source;
        this.sink = sink;
        this.checkpoint = checkpoint;
        this.from = from;
        this.to = to;
        this.memory = memory;
        this.id = id;
        this.contents = contents;
        this.owned = owned;
    }

    /** @param contents whether a source that is no store is known to be one of contents. */
    static Ends open(
            final End<Source<?>> source,
            final End<Sink<?>> sink,
            final @Nullable End<Checkpoint> checkpoint,
            final @Nullable JobId id,
            final boolean contents)
            throws IOException {
        final Deque<AutoCloseable> owned = new ArrayDeque<>();
        try {
            final Source<?> openSource = open(source, owned);
            return new Ends(
                    openSource,
                    open(sink, owned),
                    checkpoint == null ? null : open(checkpoint, owned),
                    source.locator(),
                    sink.locator(),
                    checkpoint == null ? null : checkpoint.locator(),
                    id,
                    contents || openSource instanceof ContentStore,
                    owned);
        } catch (final IOException | RuntimeException e) {
            closeAll(owned);
            throw e;
        }
    }

    private static <T extends AutoCloseable> T open(final End<T> end, final Deque<AutoCloseable> owned)
            throws IOException {
        final T open = end.opener().open();
        if (end.isOpenedHere()) {
            owned.push(open);
        }
        return open;
    }

    /** Refuses, before anything is touched, what cannot work. */
    void check(final CopyOptions options) throws IOException {
        final boolean sinkOfContents = sink instanceof ContentStore;
        if (contents != sinkOfContents && (sinkOfContents || to != null)) {
            throw ReplicationException.misuse(
                    contents
                            ? "a store of contents cannot be copied to a volume: name a store as the target"
                            : "a volume cannot be copied to a store of contents: name a volume as the target");
        }
        if (contents && checkpoint != null) {
            throw ReplicationException.misuse(
                    "a copy of contents needs no checkpoint: what is in the target store is found there");
        }
        if (contents && options.verify()) {
            throw ReplicationException.misuse(
                    "a copy of contents is not verified as a whole: each content has a digest");
        }
        if (!contents && options.continueOnError()) {
            throw ReplicationException.misuse("a copy of a volume cannot go on without the blocks that failed");
        }
        if (checkpoint != null && id == null && (from == null || to == null)) {
            throw ReplicationException.misuse(
                    "a checkpoint needs a job id when source or target are passed as objects");
        }
        if (checkpoint != null && (sameFile(memory, from) || sameFile(memory, to))) {
            throw ReplicationException.misuse(memory
                    + ": is the checkpoint and an end of the copy at once; name another file for the checkpoint");
        }
        if (checkpoint != null
                && (source.geometry().sequential() || sink.geometry().sequential())) {
            throw ReplicationException.misuse("a stream cannot be resumed: leave the checkpoint out");
        }
        if (options.verify() && sink.geometry().sequential()) {
            throw ReplicationException.misuse("a stream cannot be read back: leave the verification out");
        }
        final boolean plain =
                options.selection() instanceof Selection.All || options.selection() instanceof Selection.Ranges;
        if (options.verify() && !plain) {
            throw ReplicationException.misuse("only a copy of everything, or of ranges, can be read back");
        }
    }

    Result copyAndClose(final Environment job) throws IOException {
        try {
            return contents ? contentCopy(job).run() : copyExtents(job);
        } finally {
            closeAll(owned);
        }
    }

    @SuppressWarnings("unchecked")
    private ContentCopy contentCopy(final Environment job) {
        return new ContentCopy((Source<Digest>) source, (Sink<Digest>) sink, job);
    }

    @SuppressWarnings("unchecked")
    private Result copyExtents(final Environment job) throws IOException {
        final Source<Extent> places = (Source<Extent>) source;
        final Revision revision = places.revision();
        final CopyCheckpoint memory = checkpoint == null
                ? null
                : CopyCheckpoint.open(
                        checkpoint,
                        jobId(job),
                        revision + "/" + places.geometry().sizeBytes());
        final Result copied = new ExtentCopy(places, revision, (Sink<Extent>) sink, job, memory, to == null).run();
        if (!job.options().verify() || copied.verified() || to == null || copied.digest() == null) {
            return copied;
        }
        job.meter().phase(Phase.VERIFYING);
        try (Source<?> target = Providers.source(to)) {
            new Verifier(places, (Source<Extent>) target, job).verify(copied.digest());
        }
        return copied.asVerified();
    }

    /** Returns whether both are the same path, however it is spelt. */
    private static boolean sameFile(final @Nullable Locator one, final @Nullable Locator other) throws IOException {
        return one != null
                && other != null
                && "file".equals(one.scheme())
                && "file".equals(other.scheme())
                && real(one).equals(real(other));
    }

    /** Returns a path behind every symbolic link that there is; the file itself may not be there yet. */
    private static Path real(final Locator file) throws IOException {
        final Path path = Path.of(file.rest()).toAbsolutePath().normalize();
        if (Files.exists(path)) {
            return path.toRealPath();
        }
        final Path parent = path.getParent();
        return parent == null || !Files.exists(parent)
                ? path
                : parent.toRealPath().resolve(path.getFileName());
    }

    private JobId jobId(final Environment job) {
        return id != null
                ? id
                : JobId.of(
                        "copy",
                        nameOf(from),
                        nameOf(to),
                        job.options().selection().toString());
    }

    /** However a path is spelt, and whichever way the file is accessed, it is the same job. */
    private static String nameOf(final @Nullable Locator end) {
        if (end == null) {
            return "";
        }
        return "file".equals(end.scheme())
                ? "file:" + Path.of(end.rest()).toAbsolutePath().normalize()
                : end.text();
    }

    void close() {
        closeAll(owned);
    }

    private static void closeAll(final Deque<AutoCloseable> owned) {
        while (!owned.isEmpty()) {
            try {
                owned.pop().close();
            } catch (final Exception e) {
                LOG.warn("could not be closed cleanly after the copy: {}", e.toString());
            }
        }
    }
}
