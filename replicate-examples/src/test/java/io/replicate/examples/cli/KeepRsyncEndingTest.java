package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.replicate.cas.testing.Era;
import io.replicate.examples.cli.KeepRsyncHarness.Run;
import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a keep-rsync says and leaves behind when it ends: early, with damage found, or with a list. */
class KeepRsyncEndingTest {
    @TempDir
    private Path directory;

    private KeepRsyncHarness clusters() {
        return new KeepRsyncHarness(Era.B, directory, 2, 3);
    }

    @Test
    void aRunThatEndsEarlySaysWhatItCopied() throws IOException {
        try (KeepRsyncHarness both = clusters()) {
            final List<String> hashes = List.copyOf(new TreeSet<>(both.fill(1, 40)));
            both.src.stores().forEach(store -> store.faults().statusOf(hashes.get(20), 404));

            final Run run = both.run("--stop-on-error", "--workers", "1").assertCode(1);
            final int copied = both.dst.hashes().size();

            assertThat(copied).isBetween(1, 39);
            assertThat(run.lines("copied " + copied + " block")).as(run.err()).hasSize(1);

            final Run json =
                    both.run("--stop-on-error", "--workers", "1", "--json").assertCode(1);
            final List<String> lines = json.out().lines().toList();
            final JsonNode last = new ObjectMapper().readTree(lines.get(lines.size() - 1));
            assertThat(last.get("event").asText()).isEqualTo("summary");
            assertThat(last.get("copied").asInt()).isEqualTo(both.dst.hashes().size() - copied);
            assertThat(last.get("failed").asInt()).isEqualTo(1);
        }
    }

    @Test
    void aDestinationThatRefusesEveryWriteEndsTheRunEarly() {
        try (KeepRsyncHarness both = clusters()) {
            both.fill(2, 300);
            final int[] refused = new int[1000];
            Arrays.fill(refused, 403);
            both.dst.stores().forEach(store -> store.faults().nextStatuses(refused));

            final Run run = both.run("--workers", "2").assertCode(1);

            assertThat(run.err()).contains("every block is refused by dst: check the token of dst");
            assertThat(run.lines("Error ")).as(run.err()).hasSize(1);
            assertThat(both.goodReads()).isLessThan(100);
        }
    }

    @Test
    void aRefusalBesideOtherFailuresIsThatBlocksOwn() {
        try (KeepRsyncHarness both = clusters()) {
            both.fill(3, 30);
            both.dst.store(0).faults().full(true);
            final int[] refused = new int[1000];
            Arrays.fill(refused, 403);
            both.dst.store(1).faults().nextStatuses(refused);

            final Run run = both.run("--retries", "0").assertCode(1);

            assertThat(run.lines("Could not write sufficient replicas")).hasSize(30);
            assertThat(run.err()).contains("30 blocks could not be copied");
        }
    }

    @Test
    void aBlockOfWhichTheDestinationHasOnlyTruncatedCopiesIsReported() throws IOException {
        try (KeepRsyncHarness both = clusters()) {
            final List<String> hashes = both.fill(4, 3);
            assertThat(both.run().assertCode(0).err()).doesNotContain("damaged");
            truncate(both.directory.resolve("dst"), hashes.get(1), 7);

            final Run run = both.run().assertCode(0);

            assertThat(run.lines("warning: "))
                    .singleElement()
                    .asString()
                    .contains(hashes.get(1), "101 bytes in src", "7 in dst", "damaged");
        }
    }

    @Test
    void aRepairIsNotHinderedByAllListedSizesBeingTooSmall() throws IOException {
        try (KeepRsyncHarness both = clusters()) {
            final List<String> hashes = both.fill(5, new int[] {50_000});
            both.run().assertCode(0);
            truncate(both.directory.resolve("dst"), hashes.get(0), 7);

            both.run("--verify", "read", "--repair").assertCode(0);

            both.assertPlaced(hashes, 2);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"--min-size=1", "-replications=2", "--ensure-replicas", "--newer-than=1h", "--include-from"})
    void whatARunWithOtherWishesFinishedIsNotLeftOut(final String wish) throws IOException {
        try (KeepRsyncHarness both = clusters()) {
            final List<String> hashes = both.fill(12, 20);
            final String checkpoint = "file:" + directory.resolve("checkpoint");
            final String more = "--include-from".equals(wish)
                    ? wish + "=" + Files.writeString(directory.resolve("list"), hashes.get(0) + "\n")
                    : wish;
            both.run(more, "--checkpoint", checkpoint).assertCode(0);

            final Run same = both.run(more, "--checkpoint", checkpoint).assertCode(0);
            assertThat(same.err()).contains("16 finished slices are left out");
            assertThat(same.err()).doesNotContain("getting indexes");

            final Run other = both.run("--checkpoint", checkpoint);
            if (other.code() == 0) {
                assertThat(both.dst.hashes()).containsExactlyInAnyOrderElementsOf(hashes);
                assertThat(other.err()).contains("source has 20 blocks");
            } else {
                assertThat(other.assertCode(1).err()).contains("another source, target or option");
            }
        }
    }

    @Test
    void collectionsThatChangeMakeACheckpointStartOver() throws IOException {
        try (KeepRsyncHarness both = clusters()) {
            final List<String> hashes = both.fill(13, 2);
            final String[] args = {
                "--per-block-replication",
                "--ensure-replicas",
                "--checkpoint",
                "file:" + directory.resolve("checkpoint")
            };
            both.src.api().collection("aaaaa-4zz18-000000000000001", ". " + hashes.get(0) + "+100 0:100:x\n", 1);
            both.run(args).assertCode(0);
            both.assertPlaced(hashes.subList(0, 1), 1);

            assertThat(both.run(args).assertCode(0).err()).contains("16 finished slices are left out");

            both.src.api().collection("aaaaa-4zz18-000000000000002", ". " + hashes.get(0) + "+100 0:100:x\n", 3);
            assertThat(both.run(args).assertCode(0).err())
                    .contains("starting over")
                    .doesNotContain("left out");
            both.assertPlaced(hashes.subList(0, 1), 3);

            assertThat(both.run(args).assertCode(0).err()).contains("16 finished slices are left out");
        }
    }

    @Test
    void aRunThatEndsEarlyDoesNotSayThatItMendedThePlacement() {
        try (KeepRsyncHarness both = clusters()) {
            final List<String> hashes = List.copyOf(new TreeSet<>(both.fill(14, 10)));
            both.src.stores().forEach(store -> store.faults().statusOf(hashes.get(0), 404));

            final Run run = both.run("--ensure-replicas", "--fix-placement", "--stop-on-error", "--workers", "1")
                    .assertCode(1);

            assertThat(run.lines("; in the destination "))
                    .as(run.err())
                    .singleElement()
                    .asString()
                    .contains(" have too few copies and ", " are misplaced");
        }
    }

    private static void truncate(final Path cluster, final String hash, final long bytes) throws IOException {
        final List<Path> copies;
        try (var files = Files.walk(cluster)) {
            copies = files.filter(file -> file.getFileName().toString().equals(hash))
                    .toList();
        }
        assertThat(copies).isNotEmpty();
        for (final Path copy : copies) {
            try (SeekableByteChannel channel = Files.newByteChannel(copy, StandardOpenOption.WRITE)) {
                channel.truncate(bytes);
            }
        }
    }

    @Test
    void copiesThatNobodyMayReadAreAMatterOfTheKey() {
        try (KeepRsyncHarness both = clusters()) {
            both.fill(6, 3);
            both.run().assertCode(0);

            final Run run = both.run("--verify", "head", "-dst-blob-signing-key", "wrong")
                    .assertCode(1);

            assertThat(run.lines("warning: "))
                    .singleElement()
                    .asString()
                    .contains("-dst-blob-signing-key", "ttl", "token");
        }
    }

    @Test
    void aPlanMayGoToStdout() throws IOException {
        try (KeepRsyncHarness both = clusters()) {
            final List<String> hashes = List.copyOf(new TreeSet<>(both.fill(7, 3)));

            final Run run = both.run("--plan-out", "-").assertCode(0);

            assertThat(run.out().lines().filter(line -> !line.startsWith("#")).map(line -> line.substring(0, 32)))
                    .containsExactlyElementsOf(hashes);
            assertThat(run.err()).contains("would copy 3 blocks").doesNotContain("listed in -");
            assertThat(Path.of("-")).doesNotExist();
            assertThat(both.run("--plan-out", "-", "--json").assertCode(2).err())
                    .contains("--plan-out");
        }
    }

    @Test
    void aListIsWrittenIntoWhatIsNoFileAndNotOverIt() throws Exception {
        try (KeepRsyncHarness both = clusters()) {
            both.fill(8, 3);
            final Path pipe = directory.resolve("pipe");
            assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                    .isZero();
            final Process reader = new ProcessBuilder("timeout", "60", "cat", pipe.toString()).start();

            both.run("--plan-out", pipe.toString()).assertCode(0);

            assertThat(Files.isRegularFile(pipe, LinkOption.NOFOLLOW_LINKS)).isFalse();
            assertThat(new String(reader.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).lines())
                    .hasSize(4);
        }
    }

    @Test
    void aListIsWrittenToWhereALinkPoints() throws Exception {
        try (KeepRsyncHarness both = clusters()) {
            both.fill(9, 3);
            final Path file = Files.createDirectory(directory.resolve("lists")).resolve("list");
            Files.writeString(file, "old");
            final Path link = Files.createSymbolicLink(directory.resolve("link"), file);

            both.run("--plan-out", link.toString()).assertCode(0);

            assertThat(Files.isSymbolicLink(link)).isTrue();
            assertThat(Files.readAllLines(file)).hasSize(4);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"--failed-out", "--plan-out"})
    void aDirectoryIsNoListToWrite(final String flag) {
        try (KeepRsyncHarness both = clusters()) {
            both.fill(10, 3);

            assertThat(both.run(flag, directory.toString()).assertCode(2).err())
                    .contains(flag, directory + " is a directory");

            assertThat(both.dst.hashes()).isEmpty();
        }
    }

    @Test
    void sizesThatExcludeEachOtherAreAMistake() {
        try (KeepRsyncHarness both = clusters()) {
            assertThat(both.run("--min-size", "5K", "--max-size", "1K")
                            .assertCode(2)
                            .err())
                    .contains("--min-size", "--max-size");
        }
    }

    @Test
    void theBlocksAreCountedInOrder() {
        try (KeepRsyncHarness both = clusters()) {
            both.fill(11, 400);

            final Run run = both.run("--workers", "16").assertCode(0);

            assertThat(run.lines("copying data block ").stream()
                            .map(line -> line.replaceFirst(".*data block (\\d+) of.*", "$1"))
                            .map(Integer::valueOf))
                    .containsExactlyElementsOf(
                            IntStream.rangeClosed(1, 400).boxed().toList());
        }
    }
}
