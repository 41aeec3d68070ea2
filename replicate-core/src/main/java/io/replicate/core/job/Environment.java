package io.replicate.core.job;

import io.replicate.core.spi.Cancellation;

/**
 * What a running copy was given by its job.
 *
 * @param name of its threads.
 * @param options as the builder left them.
 * @param throttle that every byte read passes.
 * @param meter that counts.
 * @param cancellation of the job, by its user.
 * @param clock for intervals.
 */
record Environment(
        String name,
        CopyOptions options,
        Throttle throttle,
        ProgressMeter meter,
        Cancellation cancellation,
        NanoClock clock) {}
