package io.replicate.ring.internal;

import io.replicate.core.spi.Transport;
import io.replicate.ring.Verify;
import java.time.Duration;

/**
 * How a server runs its ring.
 *
 * @param transport by which it reaches the nodes.
 * @param guard of every link.
 * @param fanout how many children a node feeds, 1 to 8.
 * @param streams how many links a hop has.
 * @param compression one of the methods of a frame: 0 none, 1 lz4, 2 zstd.
 * @param frameBytes a power of two from 4096 to 1 MiB.
 * @param windowFrames how many frames the server keeps in memory.
 * @param rateBytesPerSecond at which the source is read, 0 for as fast as it goes.
 * @param maxWait how long the server waits for nodes before it begins without them.
 * @param linger how long it waits, when all others are done, for nodes that are away.
 * @param heartbeat how often an idle side says that it lives.
 * @param deadAfter after how long a silence a peer is dead.
 * @param force whether nodes may overwrite mounted devices and the like, where they allow it too.
 */
public record ServerSettings(
        Transport transport,
        LinkGuard guard,
        Verify verify,
        int fanout,
        int streams,
        int compression,
        int frameBytes,
        int windowFrames,
        long rateBytesPerSecond,
        Duration maxWait,
        Duration linger,
        Duration heartbeat,
        Duration deadAfter,
        boolean force) {}
