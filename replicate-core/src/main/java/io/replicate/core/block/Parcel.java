package io.replicate.core.block;

import io.replicate.core.spi.Unit;
import org.jspecify.annotations.Nullable;

/**
 * A unit on its way, with its bytes.
 *
 * @param unit a place or a content.
 * @param block its bytes, or null for a ZERO or HOLE extent.
 * @param <U> places or contents.
 */
public record Parcel<U extends Unit>(U unit, @Nullable Block block) {

    /** Releases the block, if there is one. */
    public void release() {
        if (block != null) {
            block.release();
        }
    }
}
