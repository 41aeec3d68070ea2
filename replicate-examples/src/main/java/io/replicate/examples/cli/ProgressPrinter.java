package io.replicate.examples.cli;

import io.replicate.core.job.Phase;
import io.replicate.core.job.ProgressListener;
import io.replicate.core.job.ProgressSnapshot;
import io.replicate.core.spi.Sizes;
import io.replicate.core.spi.Unit;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/**
 * Shows how a job goes on: as a bar on a terminal, as plain lines every few seconds elsewhere, or as JSON lines. Every
 * command that runs a job shows it this way. Called by one thread at a time; close it before the result is printed.
 */
abstract class ProgressPrinter implements ProgressListener, AutoCloseable {
    private static final Duration PLAIN_INTERVAL = Duration.ofSeconds(3);
    private static final Duration JSON_INTERVAL = Duration.ofSeconds(1);

    @Override
    public void close() {}

    /**
     * Returns the printer that fits.
     *
     * @param task in one word, for the bar.
     * @param err where people look.
     * @param json where machines look, or null if none does.
     */
    static ProgressPrinter of(final String task, final PrintWriter err, final @Nullable JsonLines json) {
        if (json != null) {
            return new Json(json);
        }
        return Terminal.onStderr() ? new Bar(task) : new Lines(err);
    }

    /** Returns one line: {@code copying 1.2 GiB of 4.0 GiB (30%), 612 MiB/s, 5 s left}. */
    static String line(final ProgressSnapshot s) {
        final StringBuilder line = new StringBuilder(name(s.phase()));
        line.append(' ').append(Sizes.format(s.bytes()));
        if (s.totalBytes() != Unit.UNKNOWN) {
            line.append(" of ").append(Sizes.format(s.totalBytes()));
            line.append(String.format(Locale.ROOT, " (%d%%)", (int) (s.fraction() * 100)));
        }
        if (s.rateBytesPerSecond() > 0) {
            line.append(", ").append(Sizes.format(s.rateBytesPerSecond())).append("/s");
        }
        if (s.eta() != null) {
            line.append(", ").append(Durations.format(s.eta())).append(" left");
        }
        return line.toString();
    }

    static String name(final Phase phase) {
        return phase.name().toLowerCase(Locale.ROOT);
    }

    /** Lets through the changes of phase, and in between one event per interval. */
    private abstract static class Paced extends ProgressPrinter {
        private final Duration interval;
        private Phase last = Phase.PREPARING;
        private Duration next;

        Paced(final Duration interval) {
            this.interval = interval;
            this.next = interval;
        }

        @Override
        public final void progress(final ProgressSnapshot s) {
            final boolean changed = s.phase() != last;
            if (changed || s.elapsed().compareTo(next) >= 0) {
                last = s.phase();
                next = s.elapsed().plus(interval);
                print(s, changed);
            }
        }

        abstract void print(ProgressSnapshot s, boolean phaseChanged);
    }

    private static final class Lines extends Paced {
        private final PrintWriter err;

        Lines(final PrintWriter err) {
            super(PLAIN_INTERVAL);
            this.err = err;
        }

        @Override
        void print(final ProgressSnapshot s, final boolean phaseChanged) {
            if (!phaseChanged && s.phase() != Phase.PREPARING) {
                err.println(line(s));
            }
        }
    }

    private static final class Json extends Paced {
        private final JsonLines json;

        Json(final JsonLines json) {
            super(JSON_INTERVAL);
            this.json = json;
        }

        @Override
        void print(final ProgressSnapshot s, final boolean phaseChanged) {
            final Map<String, Object> members = new LinkedHashMap<>();
            members.put("phase", name(s.phase()));
            members.put("bytes", s.bytes());
            members.put("totalBytes", s.totalBytes() == Unit.UNKNOWN ? null : s.totalBytes());
            members.put("carriedBytes", s.carriedBytes());
            members.put("durableBytes", s.durableBytes());
            members.put("bytesPerSecond", s.rateBytesPerSecond());
            members.put("etaSeconds", s.eta() == null ? null : s.eta().toSeconds());
            json.event("progress", members);
        }
    }

    private static final class Bar extends ProgressPrinter {
        private static final int REFRESH_MS = 200;
        private static final long MIB = 1 << 20;

        private final String task;
        private @Nullable ProgressBar bar;
        private boolean verifying;

        Bar(final String task) {
            this.task = task;
        }

        @Override
        public void progress(final ProgressSnapshot s) {
            if (s.phase() == Phase.PREPARING) {
                return;
            }
            if (s.phase() == Phase.VERIFYING && !verifying) {
                // It counts from zero again.
                verifying = true;
                close();
                bar = null;
            }
            ProgressBar open = bar;
            if (open == null) {
                open = new ProgressBarBuilder()
                        .setTaskName(verifying ? "verify" : task)
                        .setUnit(" MiB", MIB)
                        .setInitialMax(Math.max(s.totalBytes(), -1))
                        .setUpdateIntervalMillis(REFRESH_MS)
                        .setStyle(ProgressBarStyle.ASCII)
                        .setConsumer(new ConsoleProgressBarConsumer(System.err))
                        .startsFrom(s.bytes(), Duration.ZERO)
                        .build();
                bar = open;
            }
            open.setExtraMessage(extra(s));
            open.stepTo(s.bytes());
        }

        private static String extra(final ProgressSnapshot s) {
            return switch (s.phase()) {
                case COPYING, VERIFYING -> Sizes.format(s.rateBytesPerSecond()) + "/s";
                default -> name(s.phase());
            };
        }

        @Override
        public void close() {
            if (bar != null) {
                bar.close();
            }
        }
    }
}
