package io.replicate.examples.cli;

import io.replicate.core.job.Job;
import io.replicate.core.job.Replication;
import io.replicate.core.job.Result;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Sizes;
import io.replicate.core.spi.Volume;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(description = CopyCommand.WHAT)
final class CopyCommand extends AbstractCommand {
    static final String WHAT =
            "Copies FROM to TO. Both are paths or locators (file:disk.img?direct=true, mem:, zero:, -). Holes and"
                    + " zeros are neither copied nor allocated. A file appears under its name when it is complete and"
                    + " on disk.";
    private static final String STDIO = "stdio";

    /** Other names of the standard output, of which a report behind the copy would become a part. */
    private static final Set<String> STDOUT = Set.of("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1");

    @Parameters(index = "0", paramLabel = "FROM", description = "What to copy; - is the standard input.")
    private String from = "";

    @Parameters(index = "1", paramLabel = "TO", description = "Where to copy it; - is the standard output.")
    private String to = "";

    @Option(
            names = "--checkpoint",
            paramLabel = "URI",
            description = "Remember progress here (not of streams); the same command goes on after a stop or a crash.")
    private @Nullable String checkpoint;

    @Option(
            names = "--checkpoint-every",
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "Make progress durable after so much data, and every 5 s (default: 256M).")
    private @Nullable Long checkpointEvery;

    @Option(
            names = "--rate",
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "Read at most this much per second, also to verify: 200M.")
    private @Nullable Long rate;

    @Option(names = "--direct", description = "Go around the page cache (O_DIRECT) on both ends that are files.")
    private boolean direct;

    @Option(names = "--verify", description = "Read the target back and compare it.")
    private boolean verify;

    @Option(names = "--json", description = "Print progress and result as JSON lines.")
    private boolean json;

    @Option(
            names = "--force",
            description = "Write to a mounted device, or to a device or file where the other was expected; keep a copy"
                    + " of a file that changed meanwhile.")
    private boolean force;

    @Option(
            names = "--workers",
            paramLabel = "N",
            description = "Read with N threads and write with N (default: ${DEFAULT-VALUE}).",
            defaultValue = "" + Replication.DEFAULT_WORKERS)
    private int workers;

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "Memory for blocks under way (default: 64M).")
    private long memory = Replication.DEFAULT_MEMORY_BYTES;

    @Option(
            names = "--bitmap",
            paramLabel = "NAME",
            description = "Copy only what this dirty bitmap of FROM marks (see 'nbd bitmap'), into the copy TO of an"
                    + " earlier time. It is written where it is, and is no copy until the command has ended well.")
    private @Nullable String bitmap;

    @Option(names = "--no-sparse", description = "Write blocks of zeros as data, instead of leaving holes.")
    private boolean noSparse;

    private long reachedBytes;

    @Override
    int run() throws IOException {
        if (workers < 1) {
            throw ReplicationException.misuse("--workers is " + workers + ", expected at least 1");
        }
        if (bitmap != null && checkpoint != null) {
            throw ReplicationException.misuse("--bitmap and --checkpoint do not go together: a bitmap changes");
        }
        final Locator source = locator(from);
        final Locator target = locator(STDOUT.contains(to) ? "-" : to);
        final boolean toStdout = STDIO.equals(target.scheme());
        if (toStdout && json) {
            throw ReplicationException.misuse("--json and the copy cannot both go to the standard output");
        }
        final JsonLines lines = json ? new JsonLines(out()) : null;
        try (StopSignal stop = StopSignal.listen()) {
            final Result result;
            try {
                result = copy(source, target, lines, stop);
            } catch (final ReplicationException e) {
                if (lines != null) {
                    lines.event("error", error(e));
                }
                if (stop.received() && e.category() == ReplicationException.Category.CANCELLED) {
                    err().println(stopped());
                    return ExitCode.FAILED;
                }
                throw e;
            }
            if (lines != null) {
                lines.event("result", members(result));
            } else {
                report(result, toStdout ? err() : out());
            }
            return ExitCode.OK;
        }
    }

    private Result copy(
            final Locator source, final Locator target, final @Nullable JsonLines lines, final StopSignal stop)
            throws IOException {
        try (ProgressPrinter printer = ProgressPrinter.of("copy", err(), lines);
                Volume earlier = isFile(target) && bitmap != null ? Providers.volume(target) : null;
                Job job = replication(source, target, earlier, printer).start()) {
            stop.then(job::cancel);
            try {
                return job.await();
            } finally {
                reachedBytes = job.progress().bytes();
            }
        }
    }

    private Locator locator(final String text) throws ReplicationException {
        final Locator locator = Locator.parse("-".equals(text) ? STDIO + ":" : text);
        final boolean asked = direct && "file".equals(locator.scheme());
        return asked && locator.parameter("direct").isEmpty() ? locator.with("direct", "true") : locator;
    }

    /** Returns whether a copy would be a new file, and not something that is written where it is. */
    private static boolean isFile(final Locator target) {
        final Path path = Path.of(target.rest());
        return "file".equals(target.scheme()) && (Files.isRegularFile(path) || Files.notExists(path));
    }

    private Replication replication(
            final Locator source, final Locator target, final @Nullable Volume earlier, final ProgressPrinter printer)
            throws ReplicationException {
        final Replication replication = Replication.from(source)
                .selection(bitmap == null ? Selection.ALL : new Selection.Bitmap(bitmap))
                .workers(workers)
                .memoryBytes(memory)
                .sparse(!noSparse)
                .verify(verify)
                .force(force)
                .listener(printer);
        if (earlier == null) {
            replication.to(target);
        } else {
            replication.to(earlier);
        }
        if (rate != null) {
            replication.rateBytesPerSecond(rate);
        }
        if (checkpoint != null) {
            replication.checkpoint(checkpoint);
        }
        if (checkpointEvery != null) {
            replication.checkpointEvery(checkpointEvery, Replication.DEFAULT_CHECKPOINT_INTERVAL);
        }
        return replication;
    }

    private String stopped() {
        return spec.qualifiedName() + ": stopped after " + Sizes.format(reachedBytes)
                + (checkpoint == null
                        ? "; nothing is left of it (with --checkpoint it could go on)"
                        : "; the same command goes on from there");
    }

    private static void report(final Result r, final PrintWriter to) {
        final double seconds = Math.max(1e-3, r.elapsed().toNanos() / 1e9);
        final StringBuilder line = new StringBuilder("copied ")
                .append(r.bytes())
                .append(" bytes (")
                .append(Sizes.format(r.bytes()))
                .append(") in ")
                .append(Durations.format(r.elapsed()))
                .append(", ")
                .append(Sizes.format((long) (r.carriedBytes() / seconds)))
                .append("/s of data");
        if (r.skippedZeroBytes() > 0) {
            line.append(", ").append(Sizes.format(r.skippedZeroBytes())).append(" of zeros left out");
        }
        if (r.resumedBytes() > 0) {
            line.append(", ").append(Sizes.format(r.resumedBytes())).append(" already there");
        }
        if (r.verified()) {
            line.append(", verified");
        }
        if (r.digest() != null) {
            line.append(", digest ").append(r.digest().hex());
        }
        to.println(line);
    }

    private static Map<String, Object> members(final Result r) {
        final Map<String, Object> members = new LinkedHashMap<>();
        members.put("bytes", r.bytes());
        members.put("carriedBytes", r.carriedBytes());
        members.put("skippedZeroBytes", r.skippedZeroBytes());
        members.put("resumedBytes", r.resumedBytes());
        members.put("digest", r.digest() == null ? null : r.digest().hex());
        members.put("verified", r.verified());
        members.put("committed", r.committed().name());
        members.put("elapsedSeconds", r.elapsed().toMillis() / 1000.0);
        return members;
    }

    private static Map<String, Object> error(final ReplicationException e) {
        final Map<String, Object> members = new LinkedHashMap<>();
        members.put("category", e.category().name());
        members.put("message", e.getMessage());
        return members;
    }
}
