package io.replicate.nbd.server;

import io.replicate.nbd.bitmap.DirtyBitmap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a client and the server agreed on in the handshake.
 *
 * @param export that is served.
 * @param structured whether replies with data come in chunks.
 * @param extended whether headers are extended; implies structured.
 * @param contexts selected metadata contexts, in the order of their ids.
 * @param oldstyle whether the listener speaks the oldstyle dialect.
 */
record Negotiated(Export export, boolean structured, boolean extended, List<Context> contexts, boolean oldstyle) {

    /**
     * A selected metadata context.
     *
     * @param id that stands for it on the wire.
     * @param bitmap of a dirty bitmap context, or null for base:allocation.
     */
    record Context(int id, String name, @Nullable DirtyBitmap bitmap) {}

    /** Returns whether replies come in chunks of either kind. */
    boolean chunked() {
        return structured || extended;
    }

    /** Returns whether block status requests may name contexts in a payload. */
    boolean statusPayload() {
        return extended && !contexts.isEmpty();
    }
}
