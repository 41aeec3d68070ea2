package io.replicate.core.job;

import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The units that failed while the job went on. Safe for use by any thread. */
final class Failures {
    private static final int MAX_LISTED = 10_000;

    private final boolean goOn;
    private final List<FailedUnit> first = new ArrayList<>();
    private long count;

    /** @param goOn whether a failed unit is only counted; otherwise it ends the job. */
    Failures(final boolean goOn) {
        this.goOn = goOn;
    }

    /** Notes a failure, or throws it on if the job is not to go on, or cannot: when it is stopped or misused. */
    synchronized void add(final Unit unit, final IOException failure) throws IOException {
        final ReplicationException.Category category = ReplicationException.categoryOf(failure);
        final boolean endsAll =
                category == ReplicationException.Category.CANCELLED || category == ReplicationException.Category.MISUSE;
        if (!goOn || endsAll) {
            throw failure;
        }
        count++;
        if (first.size() < MAX_LISTED) {
            first.add(new FailedUnit(unit, category, String.valueOf(failure.getMessage())));
        }
    }

    synchronized List<FailedUnit> first() {
        return List.copyOf(first);
    }

    synchronized long count() {
        return count;
    }
}
