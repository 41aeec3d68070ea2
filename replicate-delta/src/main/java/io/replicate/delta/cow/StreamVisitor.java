package io.replicate.delta.cow;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Takes a stream apart as {@link StreamReader} reads it. Called by one thread, in the order of the stream. */
public interface StreamVisitor extends EntryVisitor {

    /** Takes what the first sector says, before anything else. */
    void header(HeaderChunk header) throws IOException;

    /** Takes bytes as they came, every one once, header and areas included, the trailer not. Borrowed for the call. */
    void bytes(long offset, ByteBuffer bytes) throws IOException;

    /**
     * Is told that an area and all the data behind it have been passed on.
     *
     * @param area counted from 0.
     * @param endOffset in the stream, in bytes.
     */
    void areaDone(long area, long endOffset) throws IOException;
}
