package io.replicate.delta.peer;

import io.replicate.delta.apply.Merged;
import io.replicate.delta.cow.RandomBytes;
import io.replicate.delta.cow.ResumeToken;
import io.replicate.delta.tree.TreeReader;
import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import org.jspecify.annotations.Nullable;

/** What a server has: an image with its tree, and perhaps a target that deltas can be merged into. Used by one thread. */
public interface Served extends AutoCloseable {

    /** Is told that another peer has come. */
    void newSession() throws IOException;

    RandomBytes image();

    /** Returns the size of the image that is meant, in bytes. */
    long imageBytes() throws IOException;

    /** Returns the generation; empty when it is not known. */
    String generation();

    /** Returns the tree of the image as it is; made when it is first needed. */
    TreeReader tree() throws IOException;

    /** Returns whether deltas are taken. */
    boolean writable();

    /** Returns where a cut merge can be gone on with, or null when there is none. */
    @Nullable
    ResumeToken position() throws IOException;

    /** Merges a stream, which may be a continued one. */
    Merged merge(ReadableByteChannel in) throws IOException;

    @Override
    void close() throws IOException;
}
