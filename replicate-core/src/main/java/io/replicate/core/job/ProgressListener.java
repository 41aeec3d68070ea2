package io.replicate.core.job;

/**
 * Hears how a job goes on: at every change of phase, and at most ten times a second in between. Called by threads of the
 * job, never by two at once. What it throws is logged once and does not touch the job; it should return soon, as a change
 * of phase waits for it.
 */
@FunctionalInterface
public interface ProgressListener {
    /** Takes note. */
    void progress(ProgressSnapshot snapshot);
}
