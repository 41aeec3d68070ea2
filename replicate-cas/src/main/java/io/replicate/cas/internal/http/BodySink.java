package io.replicate.cas.internal.http;

import io.netty.buffer.ByteBuf;
import java.io.IOException;

/** Takes the body of a 200 answer as it arrives, on an event loop: it must not block. */
public interface BodySink {

    /**
     * Prepares for a body.
     *
     * @param contentLength in bytes, or -1 when the server does not say.
     */
    void begin(long contentLength) throws IOException;

    /** Takes the next bytes; the buffer is borrowed. */
    void data(ByteBuf bytes) throws IOException;
}
