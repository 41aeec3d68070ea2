package io.replicate.core.spi;

import io.replicate.core.block.Block;
import io.replicate.core.posix.Fd;
import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One writing of a target. Writes of different units may run concurrently, unless the sink's geometry is sequential;
 * {@link #flush()} and {@link #commit(Revision)} are called by one thread, commit with no write under way. To close
 * without a commit is to abort: no half-made content is left under a final name, and what a resume key names is kept.
 *
 * @param <U> places or contents.
 */
public interface Session<U extends Unit> extends AutoCloseable {

    /**
     * Returns whether the session goes on with what an earlier one with the same resume key made durable: true only if a
     * {@link #flush()} of such a session has returned, and nothing that it made durable is gone. When false, everything
     * must be written, whatever a checkpoint says.
     */
    boolean resumed();

    /**
     * Returns whether the target keeps resume keys. One that does not (a volume behind a network) never says that it goes on:
     * what a checkpoint remembers of it is then compared with it, at a sample of places, before it is trusted.
     */
    default boolean keepsKeys() {
        return true;
    }

    /**
     * Writes one unit. Durable only after {@link #flush()} or {@link #commit(Revision)}.
     *
     * @param from the bytes of a DATA extent or a digest, borrowed for the call; null for ZERO and HOLE extents.
     * @throws IllegalArgumentException when a unit that has data comes without it.
     * @throws ReplicationException when the unit goes beyond the size that the target was announced with, or cannot be written.
     */
    Stored write(U unit, @Nullable Block from) throws IOException;

    /**
     * Makes writes durable: on return every write that had returned before the call is. A failure is final: the session
     * can only be closed.
     */
    void flush() throws IOException;

    /**
     * Makes everything durable and visible as the new content of the target.
     *
     * @return which promise was kept.
     */
    Committed commit(Revision revision) throws IOException;

    /**
     * Returns what has been written so far, to be read again: for proof, and to hand it on to others. It works until the
     * session is closed, also behind a commit, and is closed by the session. Empty where bytes cannot be read again (a
     * stream).
     */
    default Optional<Source<U>> readBack() throws IOException {
        return Optional.empty();
    }

    /**
     * Returns what {@link #flush()} or {@link #commit(Revision)} made durable, to be compared with the source: as far as
     * possible read from the storage itself, not from what a cache remembers of it. Called with no write since, and closed
     * by the session. Empty where bytes cannot be read again.
     */
    default Optional<Source<U>> proof() throws IOException {
        return readBack();
    }

    /**
     * Returns the file in which the offsets are those of the volume, if the kernel had better move bytes to it itself: a
     * caller may splice an extent there instead of {@link #write}, and then says so by {@link #spliced}. Empty where bytes
     * must pass through memory: a stream, a store, or storage that is faster around the page cache.
     */
    default Optional<Fd> spliceTarget() {
        return Optional.empty();
    }

    /** Takes note of a unit whose bytes were put to the {@link #spliceTarget()}; as {@link #write} otherwise. */
    default Stored spliced(final U unit) throws IOException {
        throw ReplicationException.misuse("this target takes no spliced bytes");
    }

    /**
     * Closes, and keeps nothing for a later session, not even what a resume key names: what was written is known to be
     * wrong, or of no use. Does nothing behind a commit.
     */
    default void discard() throws IOException {
        close();
    }

    @Override
    void close() throws IOException;
}
