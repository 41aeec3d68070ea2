package io.replicate.ring.dolly;

import java.time.Duration;
import java.util.List;

/**
 * How a run ended.
 *
 * @param target what was written; on the server, what the clients were told to write.
 * @param bytes on the wire.
 * @param digest of the bytes on the wire in hexadecimal.
 * @param elapsed from the first byte to the last acknowledgement.
 * @param nodes the clients behind this one; of a server, all.
 */
public record DollyReport(String target, long bytes, String digest, Duration elapsed, List<DollyNode> nodes) {
    public DollyReport {
        nodes = List.copyOf(nodes);
    }

    /** Returns whether everybody has a copy. */
    public boolean ok() {
        return nodes.stream().allMatch(DollyNode::ok);
    }
}
