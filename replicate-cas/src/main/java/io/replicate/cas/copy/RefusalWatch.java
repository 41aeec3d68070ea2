package io.replicate.cas.copy;

import io.replicate.cas.keep.KeepException;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Tells a wrong key, ttl or token from a bad block: when the first few blocks are all refused and none was let through, the
 * rest will be refused too. Blocks that are refused are reported when it is known that it is they that are bad. Thread-safe.
 */
final class RefusalWatch {
    private static final int ENOUGH = 4;

    private final String advice;
    private final CopyListener listener;
    /** Refused before anything else was known. */
    private final Map<Digest, String> held = new LinkedHashMap<>();

    private boolean anyOther;
    private boolean stopped;

    private RefusalWatch(final String side, final String suspects, final CopyListener listener) {
        this.advice = "every block is refused by " + side + ": check " + suspects + " of " + side;
        this.listener = listener;
    }

    static RefusalWatch ofReads(final String side, final CopyListener listener) {
        return new RefusalWatch(
                side,
                "the blob signing key, the blob signature ttl (it must be that of the servers) and the token",
                listener);
    }

    static RefusalWatch ofWrites(final String side, final CopyListener listener) {
        return new RefusalWatch(side, "the token", listener);
    }

    synchronized void succeeded() {
        anyOther = true;
        release();
    }

    /**
     * Notes a block that could not be read or written, and reports it.
     *
     * @throws ReplicationException MISUSE, which ends the copy, when everything is refused.
     */
    synchronized void failed(final Digest digest, final IOException failure) throws ReplicationException {
        final String reason = String.valueOf(failure.getMessage());
        if (anyOther || !KeepException.is(failure, KeepException.Kind.REFUSED)) {
            succeeded();
            listener.failed(digest, reason);
            return;
        }
        held.put(digest, reason);
        if (held.size() >= ENOUGH) {
            stopped = true;
            throw new ReplicationException(
                    ReplicationException.Category.MISUSE, "stopped: " + advice + "; the last: " + reason, failure);
        }
    }

    private void release() {
        held.forEach(listener::failed);
        held.clear();
    }

    /** Reports what is held back, and says what to do when the few blocks that there were have all been refused. */
    synchronized void end() {
        if (stopped || held.isEmpty()) {
            return;
        }
        release();
        listener.warning(advice);
    }
}
