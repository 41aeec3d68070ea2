package io.replicate.cas.keep;

import io.replicate.cas.internal.http.HttpAnswer;
import io.replicate.cas.internal.http.StoreGate;
import io.replicate.cas.store.Proof;
import io.replicate.core.block.Block;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads blocks: every service in probe order, the temporarily failed ones again after a pause, and no answer is taken
 * before its digest is proven. A server that has damaged data is passed over like one that has none. Thread-safe.
 */
final class BlockReader {
    private static final Logger LOG = LoggerFactory.getLogger(BlockReader.class);

    private final KeepClient client;

    BlockReader(final KeepClient client) {
        this.client = client;
    }

    /** What one request came to. */
    private enum Outcome {
        FOUND,
        ABSENT,
        REFUSED,
        /** Asking again is of no use. */
        FAILED,
        TEMPORARY,
        BUSY
    }

    /** What the requests for one block have come to so far. */
    private static final class Attempts {
        private final List<String> failures = new ArrayList<>();
        private int absent;
        private int refused;
        private int other;
        private boolean damaged;

        void note(final Outcome outcome, final String what) {
            failures.add(what);
            switch (outcome) {
                case ABSENT -> absent++;
                case REFUSED -> refused++;
                default -> other++;
            }
        }
    }

    /**
     * Reads the block from whichever service has it.
     *
     * @return its length in bytes.
     * @throws KeepException NOT_FOUND, REFUSED, DAMAGED or UNAVAILABLE, with what each server said.
     */
    int read(final Digest digest, final Block into) throws IOException {
        final List<KeepService> order = Rendezvous.order(
                digest.hex(), client.services(), client.config().convention());
        return read(digest, into, order);
    }

    /** Reads the block from the given services only, in their order. */
    int read(final Digest digest, final Block into, final List<KeepService> services) throws IOException {
        List<KeepService> candidates = services;
        Attempts attempts = new Attempts();
        int round = 0;
        for (int tries = 0; ; tries++) {
            final List<KeepService> again = new ArrayList<>();
            boolean onlyBusy = true;
            for (final KeepService service : candidates) {
                final Outcome outcome = ask(service, digest, into, attempts, round + 1);
                if (outcome == Outcome.FOUND) {
                    return into.length();
                }
                if (outcome == Outcome.TEMPORARY || outcome == Outcome.BUSY) {
                    again.add(service);
                    onlyBusy &= outcome == Outcome.BUSY;
                }
            }
            final int allowed = !again.isEmpty() && onlyBusy
                    ? Busy.MAX_ROUNDS
                    : client.config().retries();
            if (again.isEmpty() || tries >= allowed) {
                throw failed(digest, attempts);
            }
            round++;
            StoreGate.pause(Busy.pauseNs(round), client.cancellation());
            final Attempts next = new Attempts();
            next.absent = attempts.absent;
            next.refused = attempts.refused;
            attempts = next;
            candidates = again;
        }
    }

    private Outcome ask(
            final KeepService service, final Digest digest, final Block into, final Attempts attempts, final int round)
            throws IOException {
        final String locator = KeepLocator.of(digest).bare();
        final BlockSink sink = new BlockSink(service.url(), into);
        final HttpAnswer answer;
        try {
            answer = client.finish(service, client.startRead("GET", service, locator, sink));
        } catch (final ReplicationException e) {
            if (e.category() == Category.CANCELLED) {
                throw e;
            }
            final Outcome outcome = e.category() == Category.RETRY ? Outcome.TEMPORARY : Outcome.FAILED;
            attempts.note(outcome, String.valueOf(e.getMessage()));
            return outcome;
        }
        if (answer.status() == 200) {
            final int length = sink.finish();
            if (Proof.holds(digest, into.bytes())) {
                client.origin(service).gate().succeeded();
                return Outcome.FOUND;
            }
            LOG.warn("{}: {} bytes that are not {}: passed over", service.url(), length, locator);
            attempts.note(Outcome.TEMPORARY, service.url() + ": " + length + " bytes with another checksum");
            attempts.damaged = true;
            return Outcome.TEMPORARY;
        }
        final Outcome outcome = outcome(answer);
        if (outcome == Outcome.BUSY) {
            client.origin(service).gate().busy(Busy.pauseNs(answer, round));
        }
        attempts.note(outcome, service.url() + ": " + client.redact(answer.summary()));
        attempts.damaged |= answer.status() == 500 || answer.status() == 502;
        return outcome;
    }

    private static Outcome outcome(final HttpAnswer answer) {
        final int status = answer.status();
        if (status == 404) {
            return Outcome.ABSENT;
        }
        if (status == 400 || status == 401 || status == 403) {
            return Outcome.REFUSED;
        }
        if (Busy.isBusy(status)) {
            return Outcome.BUSY;
        }
        return Busy.isTemporary(status) ? Outcome.TEMPORARY : Outcome.FAILED;
    }

    private static KeepException failed(final Digest digest, final Attempts attempts) {
        final String locator = KeepLocator.of(digest).bare();
        final String details = " (" + String.join("; ", attempts.failures) + ")";
        if (attempts.other > 0) {
            return new KeepException(
                    attempts.damaged ? KeepException.Kind.DAMAGED : KeepException.Kind.UNAVAILABLE,
                    Category.FAIL_JOB,
                    "Error getting block: " + locator + details,
                    null);
        }
        if (attempts.refused > 0) {
            return new KeepException(
                    KeepException.Kind.REFUSED, Category.FAIL_JOB, "Error getting block: " + locator + details, null);
        }
        return new KeepException(
                KeepException.Kind.NOT_FOUND,
                Category.FAIL_JOB,
                "Error getting block: " + locator + " Block not found" + details,
                null);
    }

    /**
     * Asks one service whether its copy is good, without taking the data; old servers read it to answer, new ones look.
     *
     * @return the status of HTTP.
     */
    HttpAnswer head(final KeepService service, final Digest digest) throws IOException {
        return client.finish(
                service,
                client.startRead("HEAD", service, KeepLocator.of(digest).bare(), null));
    }
}
