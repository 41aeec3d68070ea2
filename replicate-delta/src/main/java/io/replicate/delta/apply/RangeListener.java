package io.replicate.delta.apply;

import java.io.IOException;
import java.nio.ByteBuffer;

/** Hears what is written to a target, in ascending order. Used by one thread. */
public interface RangeListener {
    /** Hears nothing. */
    RangeListener NONE = new RangeListener() {
        @Override
        public void written(final long offset, final ByteBuffer bytes) {}
    };

    /** Is told of a range just written; the buffer is borrowed for the call. */
    void written(long offset, ByteBuffer bytes) throws IOException;

    /** Is told that nothing more will come; the target may be read. */
    default void done() throws IOException {}
}
