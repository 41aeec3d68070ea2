package io.replicate.examples.cli;

import io.replicate.cas.copy.CopyOptions;
import io.replicate.cas.copy.Upkeep;
import io.replicate.cas.keep.GoDuration;
import io.replicate.cas.keep.Rendezvous;
import io.replicate.core.spi.ReplicationException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** The flags of keep-rsync: those of the tool that it stands in for, with one dash or two, and its own. */
final class KeepRsyncOptions {
    /** Reads durations as Go flags do. */
    static final class GoDurationConverter implements ITypeConverter<Duration> {
        @Override
        public Duration convert(final String text) {
            try {
                return GoDuration.parse(text);
            } catch (final ReplicationException e) {
                throw new TypeConversionException(String.valueOf(e.getMessage()));
            }
        }
    }

    /** Reads numbers as Go flags do: {@code 2}, {@code 0x2}, {@code 0b10}, {@code 0o2} or {@code 02}. */
    static final class GoIntegerConverter implements ITypeConverter<Integer> {
        private static final Pattern NUMBER = Pattern.compile("([+-]?)(0[xX]|0[bB]|0[oO]?)?([0-9a-fA-F]+)");

        @Override
        public Integer convert(final String text) {
            final Matcher number = NUMBER.matcher("0".equals(text) ? "00" : text);
            try {
                if (number.matches()) {
                    return Integer.parseInt(number.group(1) + number.group(3), radix(number.group(2)));
                }
            } catch (final NumberFormatException e) {
                // As one that does not match.
            }
            throw new TypeConversionException("'" + text + "' is not a number");
        }

        private static int radix(final @Nullable String prefix) {
            if (prefix == null) {
                return 10;
            }
            return switch (prefix) {
                case "0x", "0X" -> 16;
                case "0b", "0B" -> 2;
                default -> 8;
            };
        }
    }

    @Option(
            names = {"-src", "--src"},
            paramLabel = "NAME",
            description =
                    "Source: settings NAME (~/.config/arvados/NAME.conf), a path with a slash, dir:PATH or s3://….")
    @Nullable
    String src;

    @Option(
            names = {"-dst", "--dst"},
            paramLabel = "NAME",
            description = "Destination, as -src.")
    @Nullable
    String dst;

    @Option(
            names = {"-src-keep-services-json", "--src-keep-services-json"},
            paramLabel = "JSON",
            description = "List of the source's keep services, or @FILE, instead of asking its API server.")
    @Nullable
    String srcServices;

    @Option(
            names = {"-dst-keep-services-json", "--dst-keep-services-json"},
            paramLabel = "JSON",
            description = "List of the destination's keep services, or @FILE.")
    @Nullable
    String dstServices;

    @Option(
            names = {"-src-blob-signing-key", "--src-blob-signing-key"},
            paramLabel = "KEY",
            description = "Key that the source signs blocks with, or @FILE (so that it is not seen in ps).")
    @Nullable
    String srcKey;

    @Option(
            names = {"-dst-blob-signing-key", "--dst-blob-signing-key"},
            paramLabel = "KEY",
            description = "Key of the destination, or @FILE: to verify.")
    @Nullable
    String dstKey;

    @Option(
            names = {"-src-data-manager-token", "--src-data-manager-token"},
            paramLabel = "TOKEN",
            description = "System token of the source's stores, or @FILE.")
    @Nullable
    String srcToken;

    @Option(
            names = {"-dst-data-manager-token", "--dst-data-manager-token"},
            paramLabel = "TOKEN",
            description = "System token of the destination's stores, or @FILE.")
    @Nullable
    String dstToken;

    @Option(
            names = {"-src-blob-signature-ttl", "--src-blob-signature-ttl"},
            paramLabel = "DURATION",
            converter = GoDurationConverter.class,
            description = "Life of the source's signatures, as 336h; by default its API server says it.")
    Duration srcTtl = Duration.ZERO;

    @Option(
            names = {"-dst-blob-signature-ttl", "--dst-blob-signature-ttl"},
            paramLabel = "DURATION",
            converter = GoDurationConverter.class,
            description = "Life of the destination's signatures: to verify.")
    Duration dstTtl = Duration.ZERO;

    @Option(
            names = {"-replications", "--replications"},
            paramLabel = "N",
            converter = GoIntegerConverter.class,
            description = "Copies of each block; 0 is the destination's default.")
    int replications;

    @Option(
            names = {"-prefix", "--prefix"},
            paramLabel = "HEX",
            description = "Only blocks whose hash begins so.")
    String prefix = "";

    @Option(names = "-help", hidden = true, description = "As -h: the tool takes one dash.")
    boolean helpWithOneDash;

    @Option(
            names = {"-version", "--version"},
            description = "Print the version and exit.")
    boolean version;

    @Option(
            names = {"-workers", "--workers"},
            paramLabel = "N",
            description = "Blocks read, and as many written, at once (default: 16).")
    int workers = CopyOptions.DEFAULT_WORKERS;

    @Option(
            names = {"-memory", "--memory"},
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "Memory for blocks under way (default: 256M, or half of the JVM's direct memory).")
    @Nullable
    Long memory;

    @Option(
            names = {"-dry-run", "--dry-run"},
            description = "Compare the indexes and say what would be copied.")
    boolean dryRun;

    @Option(
            names = {"-plan-out", "--plan-out"},
            paramLabel = "FILE",
            description = "Write what would be copied to FILE (- is stdout), and stop.")
    @Nullable
    Path planOut;

    @Option(
            names = {"-plan", "--plan"},
            paramLabel = "FILE",
            description = "Copy what FILE lists, unless the destination has it, instead of reading the source's index.")
    @Nullable
    Path plan;

    @Option(
            names = {"-stop-on-error", "--stop-on-error"},
            description = "End at the first block that fails, instead of copying the others.")
    boolean stopOnError;

    @Option(
            names = {"-failed-out", "--failed-out"},
            paramLabel = "FILE",
            description = "Write the blocks that failed to FILE, which --plan reads.")
    @Nullable
    Path failedOut;

    @Option(
            names = {"-order", "--order"},
            paramLabel = "ORDER",
            description = "hash or largest (first); the same in every run.")
    CopyOptions.Order order = CopyOptions.Order.HASH;

    @Option(
            names = {"-ensure-replicas", "--ensure-replicas"},
            description = "Also add the missing copies of blocks that the destination has too few of.")
    boolean ensureReplicas;

    @Option(
            names = {"-placement-report", "--placement-report"},
            description = "Say how many blocks of the destination are not on the servers where they belong.")
    boolean placementReport;

    @Option(
            names = {"-fix-placement", "--fix-placement"},
            description = "Also write copies to the servers where they belong and are not.")
    boolean fixPlacement;

    @Option(
            names = {"-per-block-replication", "--per-block-replication"},
            description =
                    "Give each block the copies that the source's collections want; needs the source's API server.")
    boolean perBlockReplication;

    @Option(
            names = {"-storage-classes", "--storage-classes"},
            paramLabel = "NAME",
            split = ",",
            description = "Storage classes that the copies are to be in.")
    List<String> storageClasses = List.of();

    @Option(
            names = {"-no-copy", "--no-copy"},
            description = "Copy nothing: only verify or touch.")
    boolean noCopy;

    @Option(
            names = {"-verify", "--verify"},
            paramLabel = "HOW",
            description =
                    "After the copy prove every copy in the destination: head (the servers do it) or read (here).")
    Upkeep.@Nullable Depth verify;

    @Option(
            names = {"-sample", "--sample"},
            paramLabel = "PERCENT",
            description = "Verify only this part of the blocks (default: 100).")
    double sample = 100;

    @Option(
            names = {"-repair", "--repair"},
            description = "Write good copies over those that did not prove.")
    boolean repair;

    @Option(
            names = {"-touch", "--touch"},
            description = "Renew the time of the blocks in the destination, so that garbage collection spares them.")
    boolean touch;

    @Option(
            names = {"-diff", "--diff"},
            paramLabel = "FILE",
            description =
                    "Only compare: write = + - ! and a locator per line to FILE (- is stdout); exit 1 if they differ.")
    @Nullable
    String diff;

    @Option(
            names = {"-rate", "--rate"},
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "Read at most this much per second, as 200M.")
    @Nullable
    Long rate;

    @Option(
            names = {"-max-blocks-per-second", "--max-blocks-per-second"},
            paramLabel = "N",
            description = "Begin no more blocks per second.")
    @Nullable
    Long blocksPerSecond;

    @Option(
            names = {"-connections-per-store", "--connections-per-store"},
            paramLabel = "N",
            description = "Requests that one server is given at once (default: 16).")
    int connectionsPerStore = CopyOptions.DEFAULT_WORKERS;

    @Option(
            names = {"-idle-timeout", "--idle-timeout"},
            paramLabel = "DURATION",
            converter = GoDurationConverter.class,
            description =
                    "Give a request up when nothing moved for so long (default: 60s); there is no limit on a whole"
                            + " one.")
    Duration idleTimeout = Duration.ofSeconds(60);

    @Option(
            names = {"-retries", "--retries"},
            paramLabel = "N",
            description = "Rounds that are asked again of servers that failed (default: 2).")
    int retries = 2;

    @Option(
            names = {"-refresh-services", "--refresh-services"},
            paramLabel = "DURATION",
            converter = GoDurationConverter.class,
            description = "Ask the API servers again for their keep services (default: 5m; 0 is never).")
    Duration refresh = Duration.ofMinutes(5);

    @Option(
            names = {"-rendezvous", "--rendezvous"},
            paramLabel = "RULE",
            description = "go or python: what counts of UUIDs that are not 27 characters long (default: go).")
    Rendezvous.Convention rendezvous = Rendezvous.Convention.GO;

    @Option(
            names = {"-index-slices", "--index-slices"},
            paramLabel = "DIGITS",
            description = "Read the indexes in 16, 256 or 4096 slices (1, 2 or 3): less memory at once (default: 0).")
    int sliceDigits;

    @Option(
            names = {"-checkpoint", "--checkpoint"},
            paramLabel = "URI",
            description = "Remember finished slices here, so that the next run does not read their indexes again.")
    @Nullable
    String checkpoint;

    @Option(
            names = {"-min-size", "--min-size"},
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "Only blocks of at least this size.")
    @Nullable
    Long minSize;

    @Option(
            names = {"-max-size", "--max-size"},
            paramLabel = "SIZE",
            converter = SizeConverter.class,
            description = "Only blocks of at most this size.")
    @Nullable
    Long maxSize;

    @Option(
            names = {"-newer-than", "--newer-than"},
            paramLabel = "WHEN",
            description = "Only blocks written since: 2026-11-20T00:00:00Z, or an age such as 48h.")
    @Nullable
    String newerThan;

    @Option(
            names = {"-include-from", "--include-from"},
            paramLabel = "FILE",
            description = "Only blocks that FILE lists by hash or locator, one per line.")
    @Nullable
    Path includeFrom;

    @Option(
            names = {"-json", "--json"},
            description = "Print events and the summary as JSON lines on stdout.")
    boolean json;

    @Option(
            names = {"-quiet", "--quiet"},
            description = "Print no line per block.")
    boolean quiet;

    /** Returns the time since which blocks are to be taken; empty where the text is none. */
    Optional<Instant> newerThan() {
        final String text = String.valueOf(newerThan);
        try {
            return Optional.of(Instant.parse(text));
        } catch (final DateTimeParseException e) {
            try {
                return Optional.of(Instant.now().minus(GoDuration.parse(text)));
            } catch (final ReplicationException notAnAge) {
                return Optional.empty();
            }
        }
    }

    /** Returns what is wrong with the flags, in one line, or the empty text. */
    String wrong() {
        final Map<String, Boolean> rules = new LinkedHashMap<>();
        rules.put("--workers must be at least 1", workers >= 1);
        rules.put("-replications must not be negative", replications >= 0);
        rules.put("--sample must be between 0 and 100", sample >= 0 && sample <= 100);
        rules.put("--connections-per-store must be at least 1", connectionsPerStore >= 1);
        rules.put("--max-blocks-per-second must be at least 1", blocksPerSecond == null || blocksPerSecond >= 1);
        rules.put("--retries must not be negative", retries >= 0);
        rules.put("--index-slices must be 0 to 3", sliceDigits >= 0 && sliceDigits <= 3);
        rules.put(
                "--newer-than must be a time such as 2026-11-20T00:00:00Z or an age such as 48h",
                newerThan == null || newerThan().isPresent());
        rules.put("--repair needs --verify head or --verify read", !repair || verify != null);
        rules.put("--no-copy leaves nothing to do without --verify or --touch", !noCopy || verify != null || touch);
        // A copy may take days before these are written.
        rules.put("--failed-out: " + failedOut + " is a directory", !isDirectory(failedOut));
        rules.put("--plan-out: " + planOut + " is a directory", !isDirectory(planOut));
        rules.put("--failed-out: there is no directory to write " + failedOut + " in", hasDirectory(failedOut));
        rules.put("--plan-out: there is no directory to write " + planOut + " in", hasDirectory(planOut));
        rules.put("--plan-out - and --json would both write to stdout", !json || !planToStdout());
        rules.put(
                "--min-size must not be above --max-size",
                minSize == null || maxSize == null || minSize.compareTo(maxSize) <= 0);
        return rules.entrySet().stream()
                .filter(rule -> !rule.getValue())
                .map(Map.Entry::getKey)
                .findFirst()
                .orElse("");
    }

    boolean planToStdout() {
        return planOut != null && "-".equals(planOut.toString());
    }

    private static boolean isDirectory(final @Nullable Path file) {
        return file != null && Files.isDirectory(file);
    }

    private static boolean hasDirectory(final @Nullable Path file) {
        if (file == null) {
            return true;
        }
        final Path directory = file.toAbsolutePath().getParent();
        return directory != null && Files.isDirectory(directory);
    }
}
