package io.replicate.delta.cow;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;

/** An output that the kernel can copy a file into, without its bytes being read here. */
public interface FileTaking extends WritableByteChannel {
    /** Returns whether {@link #take} can be called. */
    boolean takesFiles();

    /**
     * Copies a range of a file, all of it.
     *
     * @param offset in the file, in bytes.
     * @param length in bytes.
     */
    void take(FileChannel file, long offset, long length) throws IOException;
}
