package io.replicate.nbd.server;

import io.netty.buffer.ByteBuf;
import io.replicate.nbd.protocol.Nbd;
import io.replicate.nbd.protocol.NbdError;
import io.replicate.nbd.protocol.RequestHeader;

/**
 * Says whether a request may be executed, and with which error it is refused if not. Nothing is done with a peer's
 * numbers before they have passed here. Thread-safe.
 */
final class RequestCheck {
    /** The longest payload in either direction, in bytes. */
    static final int MAX_PAYLOAD = 64 << 20;

    private final Negotiated negotiated;
    private final long size;
    private final int minBlock;
    private final boolean readOnly;

    RequestCheck(Negotiated negotiated) {
        this.negotiated = negotiated;
        this.minBlock = negotiated.export().medium().minBlock();
        this.size = negotiated.oldstyle()
                ? oldstyleSize(negotiated.export())
                : negotiated.export().sizeBytes();
        this.readOnly = negotiated.export().isReadOnly();
    }

    /** Returns the size that an oldstyle client is told: whole sectors only. */
    static long oldstyleSize(Export export) {
        return export.sizeBytes() & -512L;
    }

    /** Returns how many bytes of payload follow the header; unsigned. */
    long payload(RequestHeader h) {
        if (negotiated.extended()) {
            return h.has(Nbd.CMD_FLAG_PAYLOAD_LEN) ? h.length() : 0;
        }
        return h.type() == Nbd.CMD_WRITE ? h.length() : 0;
    }

    /** Returns the error that answers a request, or {@link NbdError#OK}. DISC is never refused in newstyle. */
    int check(RequestHeader h) {
        return negotiated.oldstyle() ? checkOldstyle(h) : checkNewstyle(h);
    }

    private int checkOldstyle(RequestHeader h) {
        if (isOutside(h)) {
            return NbdError.ENOSPC; // for every command, and before it is looked at
        }
        return switch (h.type()) {
            case Nbd.CMD_READ, Nbd.CMD_DISC, Nbd.CMD_FLUSH -> NbdError.OK;
            case Nbd.CMD_WRITE -> readOnly ? NbdError.EPERM : NbdError.OK;
            default -> NbdError.EINVAL;
        };
    }

    private int checkNewstyle(RequestHeader h) {
        if ((h.flags() & ~allowedFlags(h.type())) != 0) {
            return NbdError.EINVAL;
        }
        return switch (h.type()) {
            case Nbd.CMD_READ -> checkRead(h);
            case Nbd.CMD_WRITE -> checkWrite(h);
            case Nbd.CMD_WRITE_ZEROES -> readOnly ? NbdError.EPERM : checkRange(h, NbdError.ENOSPC);
            case Nbd.CMD_TRIM -> readOnly ? NbdError.EPERM : checkRange(h, NbdError.EINVAL);
            case Nbd.CMD_CACHE -> checkRange(h, NbdError.EINVAL);
            case Nbd.CMD_FLUSH -> h.offset() == 0 && h.length() == 0 ? NbdError.OK : NbdError.EINVAL;
            case Nbd.CMD_BLOCK_STATUS -> checkStatus(h);
            case Nbd.CMD_DISC -> NbdError.OK;
            default -> NbdError.EINVAL;
        };
    }

    private int allowedFlags(int type) {
        final int any = Nbd.CMD_FLAG_FUA;
        return switch (type) {
            case Nbd.CMD_READ -> any | (negotiated.chunked() ? Nbd.CMD_FLAG_DF : 0);
            case Nbd.CMD_WRITE -> any | (negotiated.extended() ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0);
            case Nbd.CMD_WRITE_ZEROES -> any | Nbd.CMD_FLAG_NO_HOLE | Nbd.CMD_FLAG_FAST_ZERO;
            case Nbd.CMD_BLOCK_STATUS ->
                any | Nbd.CMD_FLAG_REQ_ONE | (negotiated.statusPayload() ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0);
            case Nbd.CMD_DISC -> 0xffff;
            default -> any;
        };
    }

    private int checkRead(RequestHeader h) {
        final int range = checkRange(h, NbdError.EINVAL);
        if (range == NbdError.OK && h.length() > MAX_PAYLOAD) {
            return negotiated.chunked() ? NbdError.EOVERFLOW : NbdError.EINVAL;
        }
        return range;
    }

    private int checkWrite(RequestHeader h) {
        if (negotiated.extended() && !h.has(Nbd.CMD_FLAG_PAYLOAD_LEN)) {
            return NbdError.EINVAL;
        }
        if (readOnly) {
            return NbdError.EPERM;
        }
        final int range = checkRange(h, NbdError.ENOSPC);
        return range == NbdError.OK && h.length() > MAX_PAYLOAD ? NbdError.EINVAL : range;
    }

    private int checkStatus(RequestHeader h) {
        if (negotiated.contexts().isEmpty()) {
            return NbdError.EINVAL;
        }
        if (h.has(Nbd.CMD_FLAG_PAYLOAD_LEN)) {
            return NbdError.OK; // the effect length is in the payload
        }
        return h.length() == 0 ? NbdError.EINVAL : checkRange(h, NbdError.EINVAL);
    }

    /** Returns whether the payload of a block status can be one: a length, and not more ids than there are contexts. */
    boolean isStatusPayload(long bytes) {
        return bytes >= Long.BYTES + Integer.BYTES
                && bytes % Integer.BYTES == 0
                && bytes
                        <= Long.BYTES
                                + Integer.BYTES * (long) negotiated.contexts().size();
    }

    /**
     * Returns the error for a block status whose length came in a payload.
     *
     * @param ids of contexts, each 32 bits, which must be selected and stand once.
     */
    int checkStatus(long offset, long length, ByteBuf ids) {
        if (length == 0 || isOutside(offset, length) || ((offset | length) & (minBlock - 1)) != 0) {
            return NbdError.EINVAL;
        }
        for (int i = ids.readerIndex(); i < ids.writerIndex(); i += Integer.BYTES) {
            if (!isSelectedOnce(ids, i)) {
                return NbdError.EINVAL;
            }
        }
        return NbdError.OK;
    }

    private boolean isSelectedOnce(ByteBuf ids, int index) {
        final int id = ids.getInt(index);
        for (int i = ids.readerIndex(); i < index; i += Integer.BYTES) {
            if (ids.getInt(i) == id) {
                return false;
            }
        }
        return negotiated.contexts().stream().anyMatch(c -> c.id() == id);
    }

    private int checkRange(RequestHeader h, int beyond) {
        if (isOutside(h)) {
            return beyond;
        }
        return ((h.offset() | h.length()) & (minBlock - 1)) != 0 ? NbdError.EINVAL : NbdError.OK;
    }

    private boolean isOutside(RequestHeader h) {
        return isOutside(h.offset(), h.length());
    }

    private boolean isOutside(long offset, long length) {
        return Long.compareUnsigned(length, size) > 0 || Long.compareUnsigned(offset, size - length) > 0;
    }

    /** Returns the text that goes with a refusal. */
    String explain(RequestHeader h, int error) {
        final String what = h.toString();
        if (error == NbdError.EPERM) {
            return what + ": the export is read-only";
        }
        if (error == NbdError.EOVERFLOW) {
            return what + ": longer than the maximum payload of " + MAX_PAYLOAD + " bytes";
        }
        if (h.type() > Nbd.CMD_BLOCK_STATUS) {
            return what + ": unknown command";
        }
        if ((h.flags() & ~allowedFlags(h.type())) != 0) {
            return what + ": a flag that is not valid here";
        }
        if (h.type() == Nbd.CMD_BLOCK_STATUS && negotiated.contexts().isEmpty()) {
            return what + ": no metadata context was selected";
        }
        if (h.type() == Nbd.CMD_FLUSH) {
            return what + ": offset and length must be zero";
        }
        if (isOutside(h)) {
            return what + ": beyond the end of the export of " + size + " bytes";
        }
        if (((h.offset() | h.length()) & (minBlock - 1)) != 0) {
            return what + ": not aligned to the minimum block size of " + minBlock + " bytes";
        }
        return what + ": " + NbdError.name(error);
    }
}
