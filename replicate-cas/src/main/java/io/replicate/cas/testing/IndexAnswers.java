package io.replicate.cas.testing;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The index of a fake keepstore, as its age writes it, whole, cut, or slowly. Thread-safe. */
final class IndexAnswers {
    private final Era era;
    private final Blocks blocks;
    private final Faults faults;

    IndexAnswers(final Era era, final Blocks blocks, final Faults faults) {
        this.era = era;
        this.blocks = blocks;
        this.faults = faults;
    }

    HttpServer.Answer answer(final String prefix) {
        final List<String> lines = new ArrayList<>();
        // As a directory lists its files: in no order that means anything.
        blocks.list(prefix).stream()
                .sorted(Comparator.comparing(entry -> entry.hash().substring(16)))
                .forEach(entry -> lines.add(entry.hash() + "+" + entry.size() + " " + time(entry.mtime()) + "\n"));
        lines.add("\n");
        final int cut = faults.truncateIndexAt();
        final String whole = String.join("", lines);
        final String sent = cut < 0 ? whole : whole.substring(0, Math.min(cut, whole.length()));
        final Duration pause = faults.indexTrickle();
        final int stallAfter = faults.indexStallAfterLines();
        if (!pause.isZero() || stallAfter >= 0) {
            return new HttpServer.Answer(
                    200, Map.of(), new byte[0], Integer.MAX_VALUE, new Slowly(lines, pause, stallAfter));
        }
        return new HttpServer.Answer(200, Map.of(), sent.getBytes(StandardCharsets.US_ASCII), Integer.MAX_VALUE, null);
    }

    private String time(final Instant mtime) {
        return era == Era.A
                ? Long.toString(mtime.getEpochSecond())
                : Long.toString(ChronoUnit.NANOS.between(Instant.EPOCH, mtime));
    }

    /** Sends an index line by line. Used by one thread. */
    private static final class Slowly implements HttpServer.Trickle {
        private final List<String> lines;
        private final Duration pause;
        private final int stallAfter;
        private int next;

        Slowly(final List<String> lines, final Duration pause, final int stallAfter) {
            this.lines = lines;
            this.pause = pause;
            this.stallAfter = stallAfter;
        }

        @Override
        public byte @Nullable [] next() throws InterruptedException {
            if (next == lines.size()) {
                return null;
            }
            if (next == stallAfter) {
                Thread.sleep(Duration.ofHours(1).toMillis());
            }
            Thread.sleep(pause.toMillis());
            return lines.get(next++).getBytes(StandardCharsets.US_ASCII);
        }
    }
}
