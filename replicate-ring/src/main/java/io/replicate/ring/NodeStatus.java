package io.replicate.ring;

/**
 * Where a node is.
 *
 * @param stage as in {@link NodeStage}.
 * @param sizeBytes of the whole, or -1.
 * @param received everything before this offset has come in.
 * @param written everything before this offset was handed to the target.
 * @param durable everything before this offset survives a crash.
 */
public record NodeStatus(String name, int stage, long sizeBytes, long received, long written, long durable) {}
