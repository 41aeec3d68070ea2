package io.replicate.delta.tree;

import java.io.IOException;

/** A hash tree that can be asked: stored, or on another machine. Used by one thread. */
public interface TreeReader extends AutoCloseable {

    TreeShape shape();

    /** Returns the hashes of a page, 16 bytes each, as many as {@link TreeShape#pageCount} says. */
    byte[] page(int level, long page) throws IOException;

    /** Returns the root. */
    default byte[] root() throws IOException {
        return page(shape().levels() - 1, 0);
    }

    @Override
    default void close() throws IOException {}
}
