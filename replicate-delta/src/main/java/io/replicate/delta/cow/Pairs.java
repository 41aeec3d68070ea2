package io.replicate.delta.cow;

import java.io.IOException;

/** Pairs of chunk numbers, one after the other. Used by one thread. */
public interface Pairs extends AutoCloseable {

    /** Moves to the next pair; false behind the last. */
    boolean next() throws IOException;

    /** Returns the first number of the pair: the origin's chunk. */
    long oldChunk();

    /** Returns the second number of the pair: the store's chunk. */
    long newChunk();

    @Override
    default void close() throws IOException {}
}
