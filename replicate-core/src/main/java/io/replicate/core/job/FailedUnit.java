package io.replicate.core.job;

import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Unit;

/**
 * A unit that could not be copied, of a job that goes on without it.
 *
 * @param unit that failed.
 * @param category of the failure.
 * @param reason in one line.
 */
public record FailedUnit(Unit unit, ReplicationException.Category category, String reason) {}
