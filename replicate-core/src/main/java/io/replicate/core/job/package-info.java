/**
 * Runs a copy: {@link io.replicate.core.job.Replication} describes it, {@link io.replicate.core.job.Job} is the running
 * one, and what every strategy shares (throttle, retry, progress, the digest of a copy) stands beside them.
 */
@NullMarked
package io.replicate.core.job;

import org.jspecify.annotations.NullMarked;
