package io.replicate.core.contract;

import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Progress;
import java.io.IOException;
import java.util.Optional;

/** A checkpoint that loses power before or after a commit. */
public final class FaultyCheckpoint implements Checkpoint {
    private final Checkpoint behind;
    private final PowerFailure power;

    /** Creates a checkpoint in front of {@code behind}, which it closes. */
    public FaultyCheckpoint(final Checkpoint behind, final PowerFailure power) {
        this.behind = behind;
        this.power = power;
    }

    @Override
    public Optional<Progress> load(final JobId job) throws IOException {
        power.requirePower("load");
        return behind.load(job);
    }

    @Override
    public void commit(final JobId job, final Progress progress) throws IOException {
        step("before checkpoint");
        behind.commit(job, progress);
        step("after checkpoint");
    }

    @Override
    public void forget(final JobId job) throws IOException {
        step("before forget");
        behind.forget(job);
        step("after forget");
    }

    private void step(final String name) throws IOException {
        if (power.reaches(name)) {
            throw power.now();
        }
    }

    @Override
    public void close() throws IOException {
        behind.close();
    }
}
