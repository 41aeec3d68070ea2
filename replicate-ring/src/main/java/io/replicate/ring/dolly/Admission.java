package io.replicate.ring.dolly;

/**
 * A parent that has configured us.
 *
 * @param control the connection to it.
 * @param dialect that it speaks.
 * @param directory whether the stream is a tar archive.
 * @param config as it came, to be forwarded unchanged.
 */
record Admission(ControlLink control, Dialect dialect, boolean directory, ConfigText config) {}
