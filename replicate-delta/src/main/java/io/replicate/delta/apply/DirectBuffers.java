package io.replicate.delta.apply;

import java.nio.ByteBuffer;

/** Direct copies of what is not direct: file calls go by memory address. */
final class DirectBuffers {

    private DirectBuffers() {}

    static ByteBuffer of(final ByteBuffer bytes) {
        return bytes.isDirect()
                ? bytes
                : ByteBuffer.allocateDirect(bytes.remaining())
                        .put(bytes.duplicate())
                        .flip();
    }
}
