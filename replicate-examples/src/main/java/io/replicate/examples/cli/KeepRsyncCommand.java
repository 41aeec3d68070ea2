package io.replicate.examples.cli;

import io.replicate.cas.copy.BlockFilter;
import io.replicate.cas.copy.CasCopy;
import io.replicate.cas.copy.CollectionCopies;
import io.replicate.cas.copy.CopyOptions;
import io.replicate.cas.copy.CopySummary;
import io.replicate.cas.copy.PlanFile;
import io.replicate.cas.copy.StoreDiff;
import io.replicate.cas.copy.Upkeep;
import io.replicate.cas.index.DigestTable;
import io.replicate.cas.keep.KeepStore;
import io.replicate.cas.store.CasStore;
import io.replicate.core.job.Throttle;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
        exitCodeOnUsageHelp = ExitCode.USAGE,
        description = {KeepRsyncCommand.WHAT, "", KeepRsyncCommand.STATUS})
final class KeepRsyncCommand extends AbstractCommand {
    static final String WHAT =
            "Copies the blocks of one Keep cluster that another one lacks. Each is read once, its checksum is proven,"
                    + " and it is written in rendezvous order. The destination's index is the checkpoint: after a stop"
                    + " or a crash the same command copies the rest.";
    static final String STATUS = "Exit status: 0 all copied, 1 failed, also when only some blocks did (they are"
            + " listed), 2 wrong usage, 130 or 143 on a signal, behind the blocks under way.";

    @Mixin
    private KeepRsyncOptions options = new KeepRsyncOptions();

    /** Stops between blocks. */
    private final Cancellation stop = new Cancellation();
    /** Stops in the middle of requests. */
    private final Cancellation abort = new Cancellation();

    private volatile boolean copying;

    /** The tool's flags are not POSIX's: letters behind a dash are one flag, and of a flag given twice the last one counts. */
    @Spec
    void parserRules(final CommandSpec command) {
        command.parser().posixClusteredShortOptionsAllowed(false).overwrittenOptionsAllowed(true);
    }

    @Override
    int run() throws IOException {
        if (options.helpWithOneDash) {
            spec.commandLine().usage(err());
            return ExitCode.USAGE;
        }
        if (options.version) {
            out().println("keep-rsync " + VersionCommand.version());
            return ExitCode.OK;
        }
        checkUsage();
        final JsonLines json = options.json ? new JsonLines(out()) : null;
        final KeepRsyncLog log = new KeepRsyncLog(err(), json, !options.quiet && !options.json);
        try (StopSignal signal = StopSignal.listen()) {
            signal.then(this::stop);
            try (KeepRsyncSides sides = KeepRsyncSides.open(options, log, abort)) {
                return work(sides, log, json);
            } catch (final ReplicationException e) {
                final boolean stopped = e.category() == ReplicationException.Category.CANCELLED && signal.received();
                log.line(stopped ? "stopped; the same command copies the rest" : String.valueOf(e.getMessage()));
                if (verbose()) {
                    e.printStackTrace(err());
                }
                return ExitCode.FAILED;
            }
        }
    }

    private void stop() {
        stop.cancel();
        if (!copying) {
            abort.cancel();
        }
    }

    private void checkUsage() {
        final String wrong = options.wrong();
        if (!wrong.isEmpty()) {
            throw new ParameterException(spec.commandLine(), wrong);
        }
    }

    private int work(final KeepRsyncSides sides, final KeepRsyncLog log, final @Nullable JsonLines json)
            throws IOException {
        boolean good = true;
        try {
            if (options.diff != null) {
                return diff(sides, log, options.diff);
            }
            if (!options.noCopy) {
                good = copy(sides, log, json);
            }
        } catch (final ReplicationException e) {
            if (e.category() == ReplicationException.Category.CANCELLED) {
                throw e;
            }
            throw new ReplicationException(e.category(), "Error while syncing data: " + e.getMessage(), e);
        }
        if (!options.dryRun && options.planOut == null) {
            good &= upkeep(sides, log);
        }
        return good ? ExitCode.OK : ExitCode.FAILED;
    }

    private int diff(final KeepRsyncSides sides, final KeepRsyncLog log, final String to) throws IOException {
        final boolean same;
        if ("-".equals(to)) {
            same = diffTo(sides, log, out());
            out().flush();
        } else {
            try (PrintWriter file = new PrintWriter(Files.newBufferedWriter(Path.of(to), StandardCharsets.US_ASCII))) {
                same = diffTo(sides, log, file);
                if (file.checkError()) {
                    throw ReplicationException.fail(to + ": not written", null);
                }
            }
        }
        return same ? ExitCode.OK : ExitCode.FAILED;
    }

    private boolean diffTo(final KeepRsyncSides sides, final KeepRsyncLog log, final PrintWriter to)
            throws IOException {
        return StoreDiff.compare(
                sides.source(),
                sides.destination(),
                options.prefix,
                filter(),
                abort,
                log::indexesLeft,
                (sign, digest) -> to.println(sign.character() + " " + KeepRsyncLog.locator(digest)));
    }

    private BlockFilter filter() throws IOException {
        return new BlockFilter(
                options.minSize == null ? 0 : options.minSize,
                options.maxSize == null ? Long.MAX_VALUE : options.maxSize,
                newerThanNs(),
                options.includeFrom == null ? null : PlanFile.read(options.includeFrom, Digest.Algorithm.MD5, false));
    }

    private long newerThanNs() {
        if (options.newerThan == null) {
            return Long.MIN_VALUE;
        }
        return options.newerThan()
                .map(since -> ChronoUnit.NANOS.between(Instant.EPOCH, since))
                .orElseThrow();
    }

    private CopyOptions copyOptions(final KeepRsyncSides sides, final @Nullable Checkpoint checkpoint)
            throws IOException {
        final CopyOptions copy = new CopyOptions()
                .prefix(options.prefix)
                .filter(filter())
                .workers(options.workers)
                .copies(options.replications)
                .order(options.order)
                .rateBytesPerSecond(options.rate == null ? Throttle.UNLIMITED : options.rate)
                .requestsPerSecond(options.blocksPerSecond == null ? Throttle.UNLIMITED : options.blocksPerSecond)
                .ensureCopies(options.ensureReplicas)
                .fixPlacement(options.fixPlacement)
                .reportPlacement(options.placementReport)
                .stopOnError(options.stopOnError)
                .sliceDigits(checkpoint != null && options.sliceDigits == 0 ? 1 : options.sliceDigits);
        if (options.memory != null) {
            copy.memoryBytes(options.memory);
        }
        if (checkpoint != null) {
            copy.checkpoint(checkpoint);
        }
        if (options.plan != null) {
            copy.plan(PlanFile.read(options.plan, sides.source().algorithm(), true));
        }
        if (options.perBlockReplication) {
            copy.copiesByHash(CollectionCopies.read(
                    keep(sides.source(), "--per-block-replication").client().api(),
                    options.replications > 0
                            ? options.replications
                            : sides.destination().defaultCopies()));
        }
        return copy;
    }

    private static KeepStore keep(final CasStore store, final String flag) throws ReplicationException {
        if (store instanceof KeepStore keep) {
            return keep;
        }
        throw ReplicationException.misuse(flag + " needs a Keep cluster, and " + store.name() + " is none");
    }

    private boolean copy(final KeepRsyncSides sides, final KeepRsyncLog log, final @Nullable JsonLines json)
            throws IOException {
        final Checkpoint checkpoint =
                options.checkpoint == null ? null : Providers.checkpoint(Locator.parse(options.checkpoint));
        try {
            final CasCopy copy =
                    new CasCopy(sides.source(), sides.destination(), copyOptions(sides, checkpoint), log, log, stop);
            if (copy.slicesFinishedBefore() > 0) {
                log.line("checkpoint " + options.checkpoint + ": " + copy.slicesFinishedBefore()
                        + " finished slices are left out; without it all are compared again");
            } else if (copy.startsOver()) {
                log.line("checkpoint " + options.checkpoint + ": starting over, as the earlier run had a later"
                        + " --newer-than or collections have changed since; all slices are compared again");
            }
            if (options.dryRun || options.planOut != null) {
                return plan(copy, log, json);
            }
            copy.plan().start();
            copying = true;
            return run(copy, sides, new KeepRsyncReport(options, log, json));
        } finally {
            copying = false;
            if (checkpoint != null) {
                checkpoint.close();
            }
        }
    }

    private static boolean run(final CasCopy copy, final KeepRsyncSides sides, final KeepRsyncReport report)
            throws IOException {
        final CopySummary summary;
        try {
            summary = copy.run();
        } catch (final IOException e) {
            report.stopped(copy.soFar(), sides);
            throw e;
        }
        report.copied(summary, sides);
        return summary.failedCount() == 0;
    }

    private boolean plan(final CasCopy copy, final KeepRsyncLog log, final @Nullable JsonLines json)
            throws IOException {
        if (options.planOut == null) {
            copy.plan().forEach(digest -> {});
        } else {
            final String comment = "blocks that keep-rsync would copy";
            if (options.planToStdout()) {
                PlanFile.write(out(), comment, to -> list(copy, to));
                out().flush();
            } else {
                PlanFile.write(options.planOut, comment, to -> list(copy, to));
            }
        }
        new KeepRsyncReport(options, log, json).planned(copy.plan().counts());
        return true;
    }

    private static void list(final CasCopy copy, final PlanFile.Out to) throws IOException {
        final List<IOException> failures = new ArrayList<>();
        copy.plan().forEach(digest -> {
            try {
                to.add(digest);
            } catch (final IOException e) {
                failures.add(e);
            }
        });
        if (!failures.isEmpty()) {
            throw failures.get(0);
        }
    }

    private boolean upkeep(final KeepRsyncSides sides, final KeepRsyncLog log) throws IOException {
        if (options.verify == null && !options.touch) {
            return true;
        }
        final DigestTable holders = Upkeep.holders(sides.destination(), options.prefix, stop);
        final CopyOptions copy = copyOptions(sides, null);
        boolean good = true;
        if (options.verify != null) {
            final AtomicLong unreadable = new AtomicLong();
            final Upkeep.Outcome outcome = new Upkeep(sides.destination(), sides.source(), copy, stop)
                    .verify(
                            holders,
                            options.verify,
                            options.sample / 100,
                            options.repair,
                            (digest, place, what, healed) -> {
                                unreadable.addAndGet(what == CasStore.Finding.UNREADABLE ? 1 : 0);
                                log.line("verify: " + KeepRsyncLog.locator(digest) + " on " + place + " is "
                                        + what.name().toLowerCase(Locale.ROOT) + (healed ? ", repaired" : ""));
                            });
            log.line("verified " + outcome.looked() + " copies: " + outcome.bad() + " bad, " + outcome.repaired()
                    + " repaired");
            if (outcome.looked() > 0 && unreadable.get() == outcome.looked()) {
                log.warning(
                        "no copy could be read: check the blob signing key (-dst-blob-signing-key), the blob signature"
                                + " ttl and the token of dst");
            }
            good = outcome.bad() == outcome.repaired();
        }
        if (options.touch) {
            final Upkeep.Outcome outcome = new Upkeep(sides.destination(), sides.source(), copy, stop)
                    .touch(
                            holders,
                            (digest, place, what, healed) ->
                                    log.line("touch: " + KeepRsyncLog.locator(digest) + " on " + place + " failed"));
            log.line("touched " + (outcome.looked() - outcome.bad()) + " of " + outcome.looked() + " copies");
            good &= outcome.bad() == 0;
        }
        return good;
    }
}
