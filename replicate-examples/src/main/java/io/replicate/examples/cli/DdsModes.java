package io.replicate.examples.cli;

import io.replicate.core.spi.ReplicationException;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/** Which options each mode of {@code dds} knows. One that is not known is refused: --dry-run must never be passed over. */
final class DdsModes {
    private static final Map<String, Set<String>> KNOWN = Map.ofEntries(
            Map.entry(
                    "--extract",
                    Set.of(
                            "--cow",
                            "--source",
                            "--dest",
                            "--changes",
                            "--format",
                            "--chunk",
                            "--bare",
                            "--framed",
                            "--base",
                            "--generation",
                            "--resume",
                            "--lenient",
                            "--dry-run",
                            "--rate",
                            "--force")),
            Map.entry(
                    "--merge",
                    Set.of(
                            "--cow",
                            "--dest",
                            "--position",
                            "--in-place",
                            "--no-reflink",
                            "--cow-volume",
                            "--undo",
                            "--lenient",
                            "--any-base",
                            "--force",
                            "--dry-run",
                            "--state")),
            Map.entry("--rollback", Set.of("--dest", "--force", "--state")),
            Map.entry("--recover", Set.of("--dest", "--force", "--state")),
            Map.entry("--compose", Set.of("--dest", "--lenient", "--force")),
            Map.entry("--list", Set.of("--cow", "--lenient", "--json")),
            Map.entry("--verify", Set.of("--source", "--dest", "--recorded", "--rate", "--state", "--force")),
            Map.entry("--scrub", Set.of("--dest", "--record", "--rate", "--state", "--force")),
            Map.entry("--repair", Set.of("--source", "--dest", "--generation", "--rate", "--state", "--force")),
            Map.entry(
                    "--serve",
                    Set.of(
                            "--listen",
                            "--read-only",
                            "--recorded",
                            "--lenient",
                            "--any-base",
                            "--undo",
                            "--no-reflink",
                            "--rate",
                            "--force",
                            "--state")),
            Map.entry("--full", Set.of("--source", "--dest", "--generation", "--rate", "--force", "--state")),
            Map.entry("--sync", Set.of("--source-lv", "--target", "--snap-size", "--dev", "--state")));

    private static final Set<String> ALWAYS = Set.of("--verbose", "--help");

    private DdsModes() {}

    /**
     * Checks what was given.
     *
     * @throws ReplicationException MISUSE for an option that the mode would pass over.
     */
    static void requireKnown(final ParseResult given) throws ReplicationException {
        final Set<String> names = new TreeSet<>();
        for (final OptionSpec option : given.matchedOptions()) {
            names.add(option.longestName());
        }
        final String mode =
                names.stream().filter(KNOWN::containsKey).findFirst().orElse("");
        final Collection<String> known = KNOWN.getOrDefault(mode, names);
        for (final String name : names) {
            if (!name.equals(mode) && !known.contains(name) && !ALWAYS.contains(name)) {
                throw ReplicationException.misuse(name + " means nothing to " + mode + ", which knows "
                        + String.join(", ", new TreeSet<>(known)));
            }
        }
    }
}
