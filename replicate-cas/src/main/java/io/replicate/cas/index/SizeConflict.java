package io.replicate.cas.index;

import io.replicate.core.spi.Digest;
import java.util.List;

/**
 * A hash that was listed with several sizes: at least one copy is damaged.
 *
 * @param digest with the size that is taken for true until the block is read.
 * @param sizesBytes that were listed, the one taken for true first.
 */
public record SizeConflict(Digest digest, List<Long> sizesBytes) {
    public SizeConflict {
        sizesBytes = List.copyOf(sizesBytes);
    }
}
