package io.replicate.cas.internal.http;

import java.time.Duration;

/**
 * How patient the client is with one server.
 *
 * @param connect how long a connection may take to be made.
 * @param idle how long an exchange may stand without a byte moving in either direction.
 * @param maxConcurrent how many exchanges may be under way at once.
 */
public record HttpLimits(Duration connect, Duration idle, int maxConcurrent) {}
