package io.replicate.ring.internal;

import io.replicate.core.spi.Transport;
import io.replicate.ring.NodeListener;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a node takes part.
 *
 * @param transport by which it reaches its children.
 * @param guard of every link.
 * @param pin the only target that may be written, or null when the server names it.
 * @param force whether a mounted device and the like may be written.
 * @param stateDir where progress is kept for targets that are no regular files.
 * @param resumable whether progress is kept at all.
 * @param checkpointInterval how often what is written is made durable.
 * @param windowFrames how many frames are kept in memory for the children.
 * @param serverWait how long a session waits for a server that was lost.
 */
public record NodeSettings(
        Transport transport,
        LinkGuard guard,
        @Nullable String pin,
        boolean force,
        Path stateDir,
        boolean resumable,
        Duration checkpointInterval,
        int windowFrames,
        Duration serverWait,
        NodeListener listener) {}
