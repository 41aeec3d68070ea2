package io.replicate.cas.testing;

/** Which age of Arvados a fake server behaves as. */
public enum Era {
    /** May 2016: times in seconds, no mounts, 403 for bad signatures. */
    A,
    /** October 2017: times in nanoseconds, mounts for everybody. */
    B,
    /** August 2026: sizes are required, 400 for bad signatures and bad content, 507 when full. */
    H
}
