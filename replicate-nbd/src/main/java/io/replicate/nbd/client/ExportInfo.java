package io.replicate.nbd.client;

import io.replicate.nbd.protocol.Nbd;
import java.util.List;

/**
 * What a server said of an export.
 *
 * @param name the server's own name of it.
 * @param description for people; may be empty.
 * @param sizeBytes of the export.
 * @param flags transmission flags.
 * @param minBlock the alignment of requests in bytes; 1 when the server named none.
 * @param preferredBlock the length that performs best, in bytes.
 * @param maxPayload the longest payload of one request in bytes.
 * @param protocol {@code oldstyle}, {@code newstyle} or {@code newstyle-fixed}.
 * @param tls whether the connection is encrypted.
 * @param structured whether replies come in chunks.
 * @param extended whether headers are extended.
 * @param contexts metadata contexts that the server has (of a listing) or that were selected (of a connection).
 */
public record ExportInfo(
        String name,
        String description,
        long sizeBytes,
        int flags,
        int minBlock,
        int preferredBlock,
        int maxPayload,
        String protocol,
        boolean tls,
        boolean structured,
        boolean extended,
        List<Context> contexts) {

    static final String OLDSTYLE = "oldstyle";

    /** A metadata context and the id that stands for it in replies. */
    public record Context(int id, String name) {}

    public ExportInfo {
        contexts = List.copyOf(contexts);
    }

    /** Returns whether the server set a transmission flag of {@link Nbd}. */
    public boolean can(int flag) {
        return (flags & flag) != 0;
    }

    /**
     * Returns what makes this, found after a reconnection, unfit for requests that were made for {@code before}; empty if
     * nothing does. More features are fine, fewer are not: a length of 64 bits must not meet a header of 32.
     */
    String changeFrom(ExportInfo before) {
        if (sizeBytes != before.sizeBytes) {
            return "it had " + before.sizeBytes + " bytes and has " + sizeBytes;
        }
        if (readOnly() && !before.readOnly()) {
            return "it is read-only";
        }
        if (minBlock > before.minBlock || maxPayload < before.maxPayload) {
            return "its block sizes were " + before.minBlock + " to " + before.maxPayload + " and are " + minBlock
                    + " to " + maxPayload;
        }
        final int lost = before.flags & ~flags & ~(Nbd.FLAG_READ_ONLY | Nbd.FLAG_ROTATIONAL);
        if (lost != 0
                || (before.extended && !extended)
                || (before.structured && !structured)
                || contexts.size() < before.contexts.size()) {
            return "the server can do less than before";
        }
        return "";
    }

    /** Returns whether writes are refused. */
    public boolean readOnly() {
        return can(Nbd.FLAG_READ_ONLY);
    }

    /** Returns whether requests may be spread over several connections. */
    public boolean multiConn() {
        return can(Nbd.FLAG_CAN_MULTI_CONN);
    }
}
