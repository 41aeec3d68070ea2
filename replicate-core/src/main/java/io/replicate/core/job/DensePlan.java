package io.replicate.core.job;

import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Plan;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A plan in which everything is data: holes are read like the rest, and written as the zeros that they read as. */
final class DensePlan implements Plan<Extent> {
    private final Plan<Extent> plan;

    DensePlan(final Plan<Extent> plan) {
        this.plan = plan;
    }

    @Override
    public @Nullable Extent next() throws IOException {
        final Extent extent = plan.next();
        return extent == null ? null : Extent.data(extent.offset(), extent.length());
    }

    @Override
    public long totalBytes() {
        return plan.totalBytes();
    }

    @Override
    public void close() throws IOException {
        plan.close();
    }
}
