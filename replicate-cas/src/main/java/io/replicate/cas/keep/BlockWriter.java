package io.replicate.cas.keep;

import io.replicate.cas.internal.http.HttpAnswer;
import io.replicate.cas.internal.http.HttpExchange;
import io.replicate.cas.internal.http.StoreGate;
import io.replicate.core.block.Block;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import io.replicate.core.spi.Stored;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Writes blocks: as many services at once as copies are missing, in probe order, the next one for each that fails, and the
 * temporarily failed ones again after a pause. Copies are counted by what the servers say they stored. Thread-safe.
 */
final class BlockWriter {
    private static final Pattern LOCATOR = Pattern.compile("[0-9a-f]{32}(\\+|\\s|$)");

    private final KeepClient client;

    BlockWriter(final KeepClient client) {
        this.client = client;
    }

    private record Upload(KeepService service, HttpExchange exchange) {}

    /** How far one block is. */
    private static final class Tally {
        private final Map<String, Integer> copies = new LinkedHashMap<>();
        private final Map<String, Map<String, Integer>> classes = new HashMap<>();
        private final List<String> failures = new ArrayList<>();
        private final List<KeepService> again = new ArrayList<>();
        private int refused;
        private boolean onlyBusy = true;
        private boolean classesConfirmed;

        int stored() {
            return copies.values().stream().mapToInt(Integer::intValue).sum();
        }

        /** Returns whether it is the token, and not the servers or the block. */
        boolean allRefused() {
            return stored() == 0 && refused > 0 && refused == failures.size();
        }

        private int storedIn(final String storageClass) {
            return classes.values().stream()
                    .mapToInt(of -> of.getOrDefault(storageClass, 0))
                    .sum();
        }

        /** Returns how many copies are missing, of the class that lacks most where classes are confirmed. */
        int missing(final int wanted, final List<String> wantedClasses) {
            if (!classesConfirmed || wantedClasses.isEmpty()) {
                return wanted - stored();
            }
            return wantedClasses.stream()
                    .mapToInt(name -> wanted - storedIn(name))
                    .max()
                    .orElse(0);
        }
    }

    /**
     * Stores copies of a block.
     *
     * @param services that may be given it, best first.
     * @param wanted how many copies, at least 1.
     * @throws KeepException TOO_FEW_COPIES or REFUSED, with what each server said.
     */
    Stored write(final Digest digest, final Block from, final List<KeepService> services, final int wanted)
            throws IOException {
        final boolean proxied = services.stream().anyMatch(service -> !service.isDisk());
        final Tally tally = new Tally();
        Deque<KeepService> queue = new ArrayDeque<>(services);
        for (int tries = 0; ; tries++) {
            while (!queue.isEmpty() && tally.missing(wanted, client.config().storageClasses()) > 0) {
                final int atOnce =
                        proxied ? 1 : tally.missing(wanted, client.config().storageClasses());
                upload(digest, from, queue, atOnce, wanted, tally, tries + 1);
            }
            if (tally.missing(wanted, client.config().storageClasses()) <= 0) {
                return new Stored(tally.stored(), List.copyOf(tally.copies.keySet()));
            }
            final int allowed = !tally.again.isEmpty() && tally.onlyBusy
                    ? Busy.MAX_ROUNDS
                    : client.config().retries();
            if (tally.again.isEmpty() || tries >= allowed) {
                throw failed(digest, wanted, tally);
            }
            StoreGate.pause(Busy.pauseNs(tries + 1), client.cancellation());
            queue = new ArrayDeque<>(tally.again);
            tally.again.clear();
            tally.failures.clear();
            tally.refused = 0;
            tally.onlyBusy = true;
        }
    }

    private void upload(
            final Digest digest,
            final Block from,
            final Deque<KeepService> queue,
            final int atOnce,
            final int wanted,
            final Tally tally,
            final int round)
            throws IOException {
        final List<Upload> uploads = new ArrayList<>();
        IOException stopped = null;
        try {
            while (uploads.size() < atOnce && !queue.isEmpty()) {
                final KeepService service = queue.removeFirst();
                uploads.add(new Upload(
                        service,
                        client.startWrite(
                                service,
                                digest.hex(),
                                from.bytes(),
                                wanted,
                                client.config().storageClasses())));
            }
        } catch (final ReplicationException e) {
            stopped = e;
        }
        // Each one is waited for, whatever happens to the others: the block's memory belongs to the caller again after
        // it.
        for (final Upload upload : uploads) {
            try {
                take(digest, upload.service(), client.finish(upload.service(), upload.exchange()), tally, round);
            } catch (final ReplicationException e) {
                if (e.category() == Category.CANCELLED) {
                    stopped = e;
                } else {
                    failed(
                            upload.service(),
                            String.valueOf(e.getMessage()),
                            e.category() == Category.RETRY,
                            false,
                            tally);
                }
            }
        }
        if (stopped != null) {
            throw stopped;
        }
    }

    private void take(
            final Digest digest, final KeepService service, final HttpAnswer answer, final Tally tally, final int round)
            throws IOException {
        final int said = replicas(answer);
        if (answer.status() == 200) {
            if (namesAnother(digest, answer.text())) {
                failed(service, service.url() + ": it says that it stored another block", false, false, tally);
                return;
            }
            if (said == 0) {
                failed(service, service.url() + ": it says that it stored no copy", false, false, tally);
                return;
            }
            client.origin(service).gate().succeeded();
            count(service, said < 0 ? 1 : said, answer, tally);
            return;
        }
        if (said > 0 && !service.isDisk()) {
            // A proxy that could not make all copies says so with an error, of an unlike kind in some versions: its
            // header counts.
            count(service, said, answer, tally);
        }
        final int status = answer.status();
        tally.refused += status == 401 || status == 403 ? 1 : 0;
        final boolean busy = Busy.isBusy(status);
        if (busy) {
            client.origin(service).gate().busy(Busy.pauseNs(answer, round));
        }
        final boolean full = status == 507
                || (status == 503
                        && answer.text().toLowerCase(java.util.Locale.ROOT).contains("full"));
        failed(
                service,
                service.url() + ": " + client.redact(answer.summary()),
                Busy.isTemporary(status) && !full,
                busy,
                tally);
    }

    /** Returns whether the text is the locator of another block. A server that sends no locator is believed. */
    private static boolean namesAnother(final Digest digest, final String text) {
        return LOCATOR.matcher(text).lookingAt() && !text.startsWith(digest.hex());
    }

    private static void failed(
            final KeepService service,
            final String what,
            final boolean temporary,
            final boolean busy,
            final Tally tally) {
        tally.failures.add(what);
        if (temporary) {
            tally.again.add(service);
            tally.onlyBusy &= busy;
        }
    }

    private static void count(final KeepService service, final int copies, final HttpAnswer answer, final Tally tally) {
        if (copies > 0) {
            tally.copies.merge(service.url(), copies, Math::max);
        }
        final String confirmed = answer.headers().get("X-Keep-Storage-Classes-Confirmed");
        if (confirmed != null) {
            tally.classesConfirmed = true;
            final Map<String, Integer> classes = new HashMap<>();
            for (final String pair : confirmed.split(",")) {
                final int equals = pair.indexOf('=');
                final String number =
                        equals < 0 ? "" : pair.substring(equals + 1).trim();
                if (number.matches("\\d{1,6}")) {
                    classes.put(pair.substring(0, equals).trim(), Integer.parseInt(number));
                }
            }
            tally.classes.put(service.url(), classes);
        }
    }

    private static int replicas(final HttpAnswer answer) {
        final String stored = answer.header("X-Keep-Replicas-Stored").trim();
        return stored.matches("\\d{1,6}") ? Integer.parseInt(stored) : -1;
    }

    private KeepException failed(final Digest digest, final int wanted, final Tally tally) {
        final boolean classes =
                tally.classesConfirmed && !client.config().storageClasses().isEmpty();
        final String details =
                tally.failures.isEmpty() ? "no other server to write to" : String.join("; ", tally.failures);
        return new KeepException(
                tally.allRefused() ? KeepException.Kind.REFUSED : KeepException.Kind.TOO_FEW_COPIES,
                Category.FAIL_JOB,
                "Error copying data block: " + KeepLocator.of(digest).bare()
                        + " Could not write sufficient replicas: wanted " + wanted + ", stored "
                        + (classes
                                ? Math.max(
                                        0,
                                        wanted
                                                - tally.missing(
                                                        wanted, client.config().storageClasses()))
                                : tally.stored())
                        + (classes ? " in every wanted class" : "") + " (" + details + ")",
                null);
    }
}
