package io.replicate.nbd.server;

import java.time.Duration;

/**
 * What clients may use.
 *
 * @param clients that may be connected at once; one more is let in and closed at once.
 * @param handshake that a client has until it reads and writes; also how long one that said goodbye, or closed its half,
 *     may take nothing of the replies that are left for it.
 * @param clientMemoryBytes of requests and replies that one client may have in flight before no more is read from it.
 * @param memoryBytes that all clients may have in flight before each is served in small pieces.
 */
public record ServerLimits(int clients, Duration handshake, long clientMemoryBytes, long memoryBytes) {
    private static final long DEFAULT_CLIENT_MEMORY = 16 << 20;

    public ServerLimits {
        if (clients < 1 || handshake.isNegative() || handshake.isZero() || clientMemoryBytes < 1 || memoryBytes < 1) {
            throw new IllegalArgumentException("limits must be positive");
        }
    }

    /** Returns 1000 clients, 15 seconds, 16 MiB for one client and a quarter of the JVM's direct memory for all. */
    public static ServerLimits defaults() {
        final long direct = io.netty.util.internal.PlatformDependent.maxDirectMemory();
        final long all = Math.max(8 << 20, Math.min(direct / 4, 512 << 20));
        return new ServerLimits(1000, Duration.ofSeconds(15), Math.min(DEFAULT_CLIENT_MEMORY, all), all);
    }

    /** Returns these limits with other client numbers. */
    public ServerLimits clients(int count) {
        return new ServerLimits(count, handshake, clientMemoryBytes, memoryBytes);
    }

    /** Returns these limits with another time for the handshake. */
    public ServerLimits handshake(Duration time) {
        return new ServerLimits(clients, time, clientMemoryBytes, memoryBytes);
    }

    /** Returns these limits with other bytes in flight per client. */
    public ServerLimits clientMemory(long bytes) {
        return new ServerLimits(clients, handshake, bytes, Math.max(bytes, memoryBytes));
    }
}
