package io.replicate.core.spi;

import io.replicate.core.block.Block;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where units are read. Safe for concurrent reads of different units, unless its geometry is sequential.
 *
 * @param <U> places or contents.
 */
public interface Source<U extends Unit> extends AutoCloseable {

    /** Returns the shape of the source; constant while it is open. */
    Geometry geometry();

    /**
     * Returns the units that {@code selection} names.
     *
     * @throws ReplicationException MISUSE when the source does not know this kind of selection.
     */
    Plan<U> plan(Selection selection) throws IOException;

    /**
     * Reads one unit to the beginning of {@code into} and sets the block's length to what was read.
     *
     * @param unit at most as long as the block's capacity; a DATA extent or a digest.
     * @return the number of bytes read, which is less than asked only at the end of the source, or -1 when the source
     *     ends at or before the unit.
     * @throws ReplicationException CORRUPT when the content does not have the digest that names it.
     */
    int read(U unit, Block into) throws IOException;

    /** Returns the state that reads show, or {@link Revision#NONE}. */
    default Revision revision() throws IOException {
        return Revision.NONE;
    }

    /**
     * Returns the file or block device of this machine that the bytes lie in, so that a target can refuse to be written
     * over what it is made from; empty when there is none.
     */
    default Optional<Path> storage() {
        return Optional.empty();
    }

    /**
     * Returns the file range that holds the bytes of a unit, for sendfile and splice; empty where bytes must pass through
     * memory, and where reading around the page cache is faster.
     */
    default Optional<FileSlice> slice(final U unit) {
        return Optional.empty();
    }

    @Override
    void close() throws IOException;
}
