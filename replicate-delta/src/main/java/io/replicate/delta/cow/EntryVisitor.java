package io.replicate.delta.cow;

import java.io.IOException;

/** Takes exceptions, in the order in which they were committed. */
@FunctionalInterface
public interface EntryVisitor {

    /**
     * Takes one exception.
     *
     * @param oldChunk the chunk of the origin.
     * @param newChunk the chunk of the store that has its data.
     */
    void entry(long oldChunk, long newChunk) throws IOException;
}
