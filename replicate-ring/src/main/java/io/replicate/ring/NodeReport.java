package io.replicate.ring;

/**
 * One node at one moment, or at the end.
 *
 * @param name as on the command line.
 * @param resumedFrom offset from which it began.
 * @param received how far it is, in bytes of the volume.
 * @param written how far its target is.
 * @param dataBytes how much of what came in this time was data; the rest was zeros and holes.
 * @param digest of its copy in hexadecimal, empty while there is none.
 * @param atomic whether its target became visible as one.
 * @param failedAt the offset at which it failed; -1 when it did not.
 * @param reason why it has no copy; empty when it has.
 * @param elapsedNs from when it was first fed to its end, 0 while that is not known.
 */
public record NodeReport(
        String name,
        NodeState state,
        long resumedFrom,
        long received,
        long written,
        long dataBytes,
        String digest,
        boolean atomic,
        long failedAt,
        String reason,
        long elapsedNs) {}
