package io.replicate.cas.copy;

import io.replicate.core.spi.Digest;
import java.util.List;
import java.util.Set;

/**
 * One content to write.
 *
 * @param copies to add in the best places that do not hold it; 0 when only {@code targets} count.
 * @param held places that hold it already.
 * @param targets places that it must be written to, whatever else.
 */
record CopyTask(Slice slice, Digest digest, int copies, Set<Integer> held, List<Integer> targets) {

    boolean isNew() {
        return held.isEmpty() && targets.isEmpty();
    }
}
