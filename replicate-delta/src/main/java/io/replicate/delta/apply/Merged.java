package io.replicate.delta.apply;

import io.replicate.core.spi.Committed;
import io.replicate.delta.cow.SnapReport;
import java.util.List;

/**
 * What a merge did.
 *
 * @param report the figures of the delta.
 * @param writtenBytes into the target.
 * @param committed which promise was kept.
 * @param generation that the target is at now, empty when it is not known.
 * @param notes what the user should know: what could not be checked.
 */
public record Merged(SnapReport report, long writtenBytes, Committed committed, String generation, List<String> notes) {
    public Merged {
        notes = List.copyOf(notes);
    }
}
