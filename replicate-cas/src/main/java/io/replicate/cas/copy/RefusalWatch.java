package io.replicate.cas.copy;

import io.replicate.cas.keep.KeepException;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;

/**
 * Tells a wrong key, ttl or token from a bad block: when the first few blocks are all refused and none was read, the rest
 * will be too. Thread-safe.
 */
final class RefusalWatch {
    private static final int ENOUGH = 4;

    private final String side;
    private boolean anyOther;
    private int refusals;
    private String last = "";

    RefusalWatch(final String side) {
        this.side = side;
    }

    synchronized void succeeded() {
        anyOther = true;
    }

    /**
     * Notes a failure.
     *
     * @throws ReplicationException MISUSE, which ends the copy, when everything is refused.
     */
    synchronized void failed(final IOException failure) throws ReplicationException {
        if (!KeepException.is(failure, KeepException.Kind.REFUSED)) {
            anyOther = true;
            return;
        }
        refusals++;
        last = String.valueOf(failure.getMessage());
        if (!anyOther && refusals >= ENOUGH) {
            throw new ReplicationException(
                    ReplicationException.Category.MISUSE, "stopped: " + advice() + "; the last: " + last, failure);
        }
    }

    private String advice() {
        return "every block is refused by " + side
                + ": check the blob signing key, the blob signature ttl (it must be that of the servers) and the token of "
                + side;
    }

    /** Returns what to do when the few blocks that there were have all been refused, or the empty text. */
    synchronized String verdict() {
        return refusals > 0 && !anyOther ? advice() : "";
    }
}
