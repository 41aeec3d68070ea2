package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.replicate.cas.testing.Blocks;
import io.replicate.cas.testing.Era;
import io.replicate.cas.testing.FakeCluster;
import io.replicate.cas.testing.RequestLog;
import io.replicate.examples.cli.KeepRsyncHarness.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The feature table of the copy, row by row, against the project's own servers. */
class KeepRsyncTest {
    @TempDir
    private Path directory;

    private KeepRsyncHarness clusters(final Era era) {
        return new KeepRsyncHarness(era, directory, 3, 4);
    }

    @ParameterizedTest
    @EnumSource(Era.class)
    void copiesEveryBlockOnceToWhereItBelongs(final Era era) {
        try (KeepRsyncHarness both = clusters(era)) {
            final List<String> hashes = both.fill(1, 60);

            final Run run = both.run().assertCode(0);

            both.assertPlaced(hashes, 2);
            assertThat(both.goodReads()).isEqualTo(60);
            assertThat(both.goodWrites()).isEqualTo(120);
            assertThat(run.err()).contains("source has 60 blocks, destination has 0 blocks: 60 blocks to copy");
            assertThat(run.err()).contains("copied 60 blocks");
            for (final var store : both.src.stores()) {
                assertThat(store.log().indexes())
                        .singleElement()
                        .satisfies(e -> assertThat(e.path()).isEqualTo("/index"));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Era.class)
    void speaksToTheServersAsTheyExpect(final Era era) {
        try (KeepRsyncHarness both = clusters(era)) {
            final String hash = both.fill(2, 1).get(0);

            both.run().assertCode(0);

            final RequestLog.Entry get = both.src.stores().stream()
                    .flatMap(store -> store.log().blocks("GET").stream())
                    .filter(entry -> entry.status() == 200)
                    .findFirst()
                    .orElseThrow();
            assertThat(get.path()).matches("/" + hash + "\\+100\\+A[0-9a-f]{40}@[0-9a-f]{8}");
            assertThat(get.headers()).containsEntry("authorization", "OAuth2 " + both.src.token());
            final RequestLog.Entry put =
                    both.firstChoice(hash).log().blocks("PUT").get(0);
            assertThat(put.path()).isEqualTo("/" + hash);
            assertThat(put.headers())
                    .containsEntry("content-length", "100")
                    .containsEntry("x-keep-desired-replicas", "2")
                    .containsEntry("authorization", "OAuth2 " + both.dst.token())
                    .doesNotContainKey("transfer-encoding")
                    .doesNotContainKey("upgrade");
        }
    }

    @Test
    void printsTheCountdownAndALinePerBlock() {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            both.fill(3, 20);

            final Run run = both.run("--workers", "1").assertCode(0);

            assertThat(run.err())
                    .containsPattern(
                            "getting indexes: 7\\.\\.\\. 6\\.\\.\\. 5\\.\\.\\. 4\\.\\.\\. 3\\.\\.\\. 2\\.\\.\\."
                                    + " 1\\.\\.\\. 0\n");
            final List<String> lines = run.lines("copying data block");
            assertThat(lines).hasSize(20);
            assertThat(lines)
                    .allMatch(line -> line.matches(
                            "\\d{4}/\\d\\d/\\d\\d \\d\\d:\\d\\d:\\d\\d copying data block \\d+ of 20 \\(\\d+% done,"
                                    + " ETA ([0-9hms]+|\\?)\\): [0-9a-f]{32}\\+\\d+"));
            assertThat(lines.get(0)).contains("block 1 of 20 (0% done, ETA ?)");
            assertThat(lines.get(19)).contains("block 20 of 20");
        }
    }

    @Test
    void aSecondRunCopiesWhatWasAddedSince() {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            both.fill(4, 30);
            both.run().assertCode(0);
            both.clearLogs();

            assertThat(both.run().assertCode(0).err()).contains(": 0 blocks to copy");
            assertThat(both.goodReads()).isZero();

            both.fill(5, 10);
            assertThat(both.run().assertCode(0).err()).contains("copied 10 blocks");
            assertThat(both.goodReads()).isEqualTo(10);
        }
    }

    @Test
    void takesTheReplicationFromTheDestinationUnlessToldOtherwise() {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            final List<String> hashes = both.fill(6, 5);
            both.dst.api().replication(3);

            both.run().assertCode(0);
            both.assertPlaced(hashes, 3);

            final List<String> more = both.fill(7, 5);
            both.run("-replications=1").assertCode(0);
            both.assertPlaced(more, 1);
        }
    }

    @Test
    void aPrefixSelectsAndSixteenRunsMakeTheWhole() {
        try (KeepRsyncHarness both = clusters(Era.H)) {
            final List<String> hashes = both.fill(8, 40);
            final String chosen = hashes.get(0).substring(0, 4);
            both.run("-prefix", chosen).assertCode(0);
            assertThat(both.dst.hashes()).containsExactly(hashes.get(0));
            assertThat(both.src.store(0).log().indexes().get(0).path()).isEqualTo("/index/" + chosen);

            long copied = 1;
            for (int digit = 0; digit < 16; digit++) {
                final String prefix = Integer.toHexString(digit);
                final int before = both.dst.hashes().size();
                both.run("--prefix=" + prefix).assertCode(0);
                copied += both.dst.hashes().size() - before;
            }
            assertThat(both.dst.hashes()).containsExactlyElementsOf(new TreeSet<>(hashes));
            assertThat(copied).isEqualTo(40);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ABC", "zz", "0123456789abcdef0123456789abcdef0"})
    void refusesWhatIsNoPrefix(final String prefix) {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            assertThat(both.run("-prefix", prefix).assertCode(1).err()).contains("prefix '" + prefix + "'");
        }
    }

    @Test
    void copiesEmptyAndTinyAndLargestBlocks() {
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.H, directory, 1, 2)) {
            final List<String> hashes = both.fill(9, 0, 1, 64 << 20);

            both.run("--memory", "256M").assertCode(0);

            both.assertPlaced(hashes, 2);
        }
    }

    @Test
    void whatIsLargerThanABlockIsNamedAndTheOthersAreCopied() {
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.B, directory, 1, 2)) {
            final List<String> hashes = both.fill(9, 5, (64 << 20) + 1);

            final Run run = both.run("--memory", "256M").assertCode(1);

            assertThat(run.err())
                    .contains(hashes.get(1) + "+67108865 is larger than the 67108864 bytes that fit")
                    .contains("copied 1 block");
            both.assertPlaced(hashes.subList(0, 1), 2);
            assertThat(both.dst.holders(hashes.get(1))).isEmpty();
        }
    }

    @Test
    void aDamagedCopyIsPassedOverAndAFullyDamagedBlockIsReported() {
        for (final Era era : Era.values()) {
            final Path own = directory.resolve(era.name());
            try (KeepRsyncHarness both = new KeepRsyncHarness(era, makeDirectory(own), 3, 4)) {
                final List<String> hashes = both.fill(10, 20);
                both.src.store(both.src.holders(hashes.get(0)).get(0)).blocks().corrupt(hashes.get(0));
                both.src
                        .holders(hashes.get(1))
                        .forEach(n -> both.src.store(n).blocks().corrupt(hashes.get(1)));
                final Path failed = own.resolve("failed");

                final Run run = both.run("--retries", "0", "--failed-out", failed.toString())
                        .assertCode(1);

                assertThat(run.err())
                        .contains("Error getting block: " + hashes.get(1))
                        .contains("1 block could not be copied");
                assertThat(failed).content().contains(hashes.get(1) + "+101").doesNotContain(hashes.get(0));
                final List<String> copied = new ArrayList<>(hashes);
                copied.remove(1);
                both.assertPlaced(copied, 2);
                assertThat(both.dst.holders(hashes.get(1))).isEmpty();
            }
        }
    }

    private static Path makeDirectory(final Path path) {
        try {
            return Files.createDirectories(path);
        } catch (final IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void bytesThatChangeOnTheWayAreNeverStored() {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            final List<String> hashes = both.fill(11, 6);
            both.src.stores().forEach(store -> store.faults().wrongBytesOf(hashes.get(2)));

            final Run run = both.run("--retries", "0").assertCode(1);

            assertThat(run.err()).contains(hashes.get(2)).contains("another checksum");
            assertThat(both.dst.holders(hashes.get(2))).isEmpty();
            assertThat(both.dst.hashes()).hasSize(5);
        }
    }

    @Test
    void shortBodiesAreErrorsAndAnotherServerIsAsked() {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            final List<String> hashes = both.fill(12, 12);
            both.src.store(0).faults().shortBodies(true);

            both.run().assertCode(0);

            both.assertPlaced(hashes, 2);
        }
    }

    @ParameterizedTest
    @EnumSource(Era.class)
    void aTruncatedCopyIsReportedAndTheBlockCopiedOnce(final Era era) {
        try (KeepRsyncHarness both = clusters(era)) {
            final List<String> hashes = both.fill(13, 8);
            final int holder = both.src.holders(hashes.get(3)).get(0);
            both.src.store(holder).blocks().truncate(hashes.get(3), 50);

            final Run run = both.run().assertCode(0);
            assertThat(run.err()).contains("warning: src: " + hashes.get(3) + " is listed with sizes [103, 50]");
            both.assertPlaced(hashes, 2);

            assertThat(both.run().assertCode(0).err()).contains(": 0 blocks to copy");
        }
    }

    @Test
    void anIncompleteIndexCopiesNothing() {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            both.fill(14, 10);
            both.src.store(1).faults().truncateIndexAt(120);

            assertThat(both.run().assertCode(1).err()).contains("incomplete");
            assertThat(both.dst.hashes()).isEmpty();
        }
    }

    @Test
    void anIndexMayTakeAsLongAsItMoves() {
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.B, directory, 1, 2)) {
            both.fill(15, 30);
            both.src.store(0).faults().indexTrickle(Duration.ofMillis(120));

            both.run("--idle-timeout", "2s").assertCode(0);

            assertThat(both.dst.hashes()).hasSize(30);
        }
    }

    @Test
    void anIndexThatStandsStillIsGivenUp() {
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.B, directory, 1, 2)) {
            both.fill(16, 5);
            both.src.store(0).faults().indexStallAfterLines(2);

            assertThat(both.run("--idle-timeout", "2s").assertCode(1).err()).contains("nothing moved for");
        }
    }

    @Test
    void theNextServerIsWrittenToWhenOneIsAwayAndLaterThePlacementIsMended() {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            final List<String> hashes = both.fill(17, 40);
            both.dst.store(0).faults().full(true);

            final Run run = both.run().assertCode(0);
            assertThat(run.err()).contains("were not written where they belong");
            assertThat(both.dst.store(0).blocks().hashes()).isEmpty();
            hashes.forEach(hash -> assertThat(both.dst.holders(hash)).hasSize(2));

            both.dst.store(0).faults().full(false);
            final long misplaced = hashes.stream()
                    .filter(hash -> both.dst.placement(hash).subList(0, 2).contains(0))
                    .count();
            assertThat(both.run("--placement-report").assertCode(0).err()).contains(misplaced + " are misplaced");
            assertThat(both.run("--fix-placement").assertCode(0).err()).contains(misplaced + " were misplaced");
            for (final String hash : hashes) {
                assertThat(both.dst.holders(hash))
                        .containsAll(both.dst.placement(hash).subList(0, 2));
            }
            assertThat(both.run("--placement-report", "--dry-run").assertCode(0).err())
                    .contains("0 are misplaced");
        }
    }

    @Test
    void tooFewCopiesAreAnError() {
        for (final Era era : Era.values()) {
            final Path own = directory.resolve(era.name());
            try (KeepRsyncHarness both = new KeepRsyncHarness(era, makeDirectory(own), 1, 4)) {
                final String hash = both.fill(18, 1).get(0);
                both.dst.readOnly(0, 1, 2);

                assertThat(both.run().assertCode(1).err())
                        .contains("Could not write sufficient replicas: wanted 2, stored 1")
                        .contains(hash);
                both.dst.readOnly();
                for (int n = 0; n < 4; n++) {
                    both.dst.store(n).blocks().delete(hash);
                }
                both.dst.readOnly(0, 1, 2);
                both.run("-replications", "1").assertCode(0);
            }
        }
    }

    @Test
    void retriesWhatMaySucceedLaterAndNothingElse() {
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.B, directory, 1, 2)) {
            both.fill(19, 1);
            both.src.store(0).faults().nextStatuses(500, 500);
            both.run().assertCode(0);
            assertThat(both.src.store(0).log().blocks("GET"))
                    .extracting(RequestLog.Entry::status)
                    .containsExactly(500, 500, 200);

            both.clearLogs();
            both.fill(20, 1);
            both.src.store(0).faults().nextStatuses(429, 408);
            both.run().assertCode(0);

            both.clearLogs();
            both.fill(21, 1);
            both.src.store(0).faults().nextStatuses(403);
            both.run().assertCode(1);
            assertThat(both.src.store(0).log().blocks("GET")).hasSize(1);

            both.clearLogs();
            both.src.store(0).faults().nextStatuses(404);
            assertThat(both.run().assertCode(1).err()).contains("Block not found");
            assertThat(both.src.store(0).log().blocks("GET")).hasSize(1);
        }
    }

    @Test
    void aBlockThatVanishesIsCountedAndTheOthersAreCopied() {
        try (KeepRsyncHarness both = clusters(Era.H)) {
            final List<String> hashes = both.fill(22, 10);
            both.src.stores().forEach(store -> store.faults().statusOf(hashes.get(4), 404));

            assertThat(both.run().assertCode(1).err()).contains("Block not found");
            assertThat(both.dst.hashes()).hasSize(9);
        }
    }

    @ParameterizedTest
    @EnumSource(Era.class)
    void aWrongKeyEndsTheRunEarlyWithOneClearMessage(final Era era) {
        try (KeepRsyncHarness both = clusters(era)) {
            both.fill(23, 50);

            final Run run = both.run("-src-blob-signing-key", "wrong").assertCode(1);

            assertThat(run.err()).contains("check the blob signing key, the blob signature ttl");
            // It is no block's fault, so no block is named but the example in the message.
            assertThat(run.lines("Error ")).as(run.err()).hasSize(1);
            assertThat(both.src.stores().stream()
                            .mapToInt(store -> store.log().blocks("GET").size())
                            .sum())
                    .isLessThan(150);
            assertThat(both.dst.hashes()).isEmpty();
        }
    }

    @Test
    void aWrongKeyIsNamedAlsoWhenThereIsOnlyOneBlock() {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            both.fill(56, 1);

            final Run run = both.run("-src-blob-signing-key", "wrong").assertCode(1);

            assertThat(run.lines("check the blob signing key, the blob signature ttl"))
                    .hasSize(1);
            assertThat(run.lines("Error getting block")).as(run.err()).hasSize(1);
        }
    }

    @Test
    void copiesBehindAProxyAreNotCounted() {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            both.dst.addProxy();

            assertThat(both.run("--ensure-replicas", "-dst-keep-services-json", both.dst.proxyJson())
                            .assertCode(1)
                            .err())
                    .contains("not behind a proxy");
        }
    }

    @Test
    void aWrongTtlIsNamed() {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            both.fill(24, 10);

            assertThat(both.run("-src-blob-signature-ttl", "24h").assertCode(1).err())
                    .contains("ttl");
            both.run("-src-blob-signature-ttl", "336h").assertCode(0);
        }
    }

    @Test
    void aWrongTokenFailsAtOnce() throws IOException {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            both.fill(25, 3);
            final Path wrong = directory.resolve("wrong.conf");
            Files.writeString(wrong, Files.readString(both.srcSettings()).replace(both.src.token(), "nonsense-token"));

            final Run run = both.runPlain(
                            "-src", wrong.toString(), "-dst", both.dstSettings().toString())
                    .assertCode(1);

            assertThat(run.err())
                    .contains("Error configuring src keepclient: ")
                    .contains("401")
                    .contains("refuses the token");
            // good for the API server, not for the stores
            assertThat(both.run("-src-data-manager-token", "nonsense-token")
                            .assertCode(1)
                            .err())
                    .contains("Got http status code: 401");
        }
    }

    @Test
    void keysAndTokensMayStandOnTheCommandLineOrInFiles() throws IOException {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            both.fill(26, 4);
            final Path bare = directory.resolve("bare.conf");
            Files.writeString(bare, "ARVADOS_API_HOST=" + both.src.api().host() + "\nARVADOS_API_HOST_INSECURE=yes\n");
            final Path key = Files.writeString(directory.resolve("key"), KeepRsyncHarness.SRC_KEY + "\n");
            final Path token = Files.writeString(directory.resolve("token"), both.src.token() + "\n");

            both.runPlain(
                            "-src",
                            bare.toString(),
                            "-dst",
                            both.dstSettings().toString(),
                            "--src-blob-signing-key=@" + key,
                            "--src-data-manager-token",
                            "@" + token)
                    .assertCode(0);

            assertThat(both.dst.hashes()).hasSize(4);
        }
    }

    @Test
    void needsNoApiServerWhenEverythingIsGiven() throws IOException {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            both.fill(27, 10);
            final Path src = both.src.tokenOnly(directory.resolve("src-only.conf"));
            final Path dst = both.dst.tokenOnly(directory.resolve("dst-only.conf"));
            final Path json = Files.writeString(directory.resolve("dst.json"), both.dst.servicesJson());
            both.src.api().down();
            both.dst.api().down();

            final String[] args = {
                "-src",
                src.toString(),
                "-dst",
                dst.toString(),
                "-src-keep-services-json",
                both.src.servicesJson(),
                "-dst-keep-services-json",
                "@" + json,
                "-src-blob-signing-key",
                KeepRsyncHarness.SRC_KEY,
                "-src-blob-signature-ttl",
                "336h",
                "-replications",
                "2"
            };
            both.runPlain(args).assertCode(0);
            assertThat(both.dst.hashes()).hasSize(10);

            final Run without = both.runPlain("-src", src.toString(), "-dst", dst.toString())
                    .assertCode(1);
            assertThat(without.err())
                    .contains("Error configuring src keepclient")
                    .contains("ARVADOS_API_HOST");
            final Run noCopies = both.runPlain(java.util.Arrays.copyOf(args, args.length - 2))
                    .assertCode(1);
            assertThat(noCopies.err()).contains("give -replications");
        }
    }

    @ParameterizedTest
    @EnumSource(Era.class)
    void aProxyMayBeTheSourceOrTheDestination(final Era era) {
        try (KeepRsyncHarness both = clusters(era)) {
            final List<String> hashes = both.fill(28, 12);
            both.src.addProxy();
            both.dst.addProxy();

            both.run("-src-keep-services-json", both.src.proxyJson(), "-dst-keep-services-json", both.dst.proxyJson())
                    .assertCode(0);

            both.assertPlaced(hashes, 2);
        }
    }

    @Test
    void aProxyThatCannotMakeAllCopiesIsAskedForTheNumberAndNotBelieved() {
        for (final Era era : List.of(Era.B, Era.H)) {
            final Path own = directory.resolve(era.name());
            try (KeepRsyncHarness both = new KeepRsyncHarness(era, makeDirectory(own), 1, 2)) {
                both.fill(29, 1);
                both.dst.addProxy();

                assertThat(both.run(
                                        "-dst-keep-services-json",
                                        both.dst.proxyJson(),
                                        "-replications",
                                        "3",
                                        "--retries",
                                        "0")
                                .assertCode(1)
                                .err())
                        .contains("wanted 3, stored 2");
            }
        }
    }

    @Test
    void selfSignedServersAreRefusedUnlessToldOtherwise() throws IOException {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            final Path secure = directory.resolve("secure.conf");
            Files.writeString(secure, Files.readString(both.srcSettings()).replace("INSECURE=1", "INSECURE=0"));

            assertThat(both.runPlain(
                                    "-src",
                                    secure.toString(),
                                    "-dst",
                                    both.dstSettings().toString())
                            .assertCode(1)
                            .err())
                    .contains("TLS with https://localhost");
        }
    }

    @Test
    void keepsToItsMemoryAndToEachServersLimit() {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            both.src.stores().forEach(store -> store.faults().latency(Duration.ofMillis(15)));
            both.dst.stores().forEach(store -> store.faults().latency(Duration.ofMillis(15)));
            both.fill(30, 60);

            both.run("--connections-per-store", "2").assertCode(0);

            both.src
                    .stores()
                    .forEach(store ->
                            assertThat(store.log().highestConcurrency()).isBetween(1, 2));
            both.dst
                    .stores()
                    .forEach(store ->
                            assertThat(store.log().highestConcurrency()).isBetween(1, 2));
        }
    }

    @Test
    void aDryRunSaysWhatARunDoes() throws IOException {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            both.fill(31, 15);
            final Run dry = both.run("--dry-run", "--json").assertCode(0);
            assertThat(both.goodReads()).isZero();
            assertThat(both.goodWrites()).isZero();
            final JsonNode plan = events(dry, "plan").get(0);

            final JsonNode summary =
                    events(both.run("--json").assertCode(0), "summary").get(0);

            assertThat(plan.path("missing").asLong())
                    .isEqualTo(summary.path("copied").asLong())
                    .isEqualTo(15);
            assertThat(plan.path("missingBytes").asLong())
                    .isEqualTo(summary.path("bytes").asLong());
        }
    }

    private static List<JsonNode> events(final Run run, final String name) throws IOException {
        final List<JsonNode> found = new ArrayList<>();
        for (final String line : run.out().lines().toList()) {
            final JsonNode event = new ObjectMapper().readTree(line);
            if (event.path("event").asText().equals(name)) {
                found.add(event);
            }
        }
        return found;
    }

    @Test
    void aPlanIsWrittenInOneRunAndExecutedInAnother() {
        try (KeepRsyncHarness both = clusters(Era.H)) {
            final List<String> hashes = both.fill(32, 15);
            final Path plan = directory.resolve("plan");
            both.run("--plan-out", plan.toString()).assertCode(0);
            assertThat(both.dst.hashes()).isEmpty();
            both.fill(33, 5);

            both.run("--plan", plan.toString()).assertCode(0);

            assertThat(both.dst.hashes()).containsExactlyElementsOf(new TreeSet<>(hashes));
        }
    }

    @Test
    void addsTheMissingCopiesAndNoMore() {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            final List<String> hashes = both.fill(34, 20);
            both.run("-replications", "1").assertCode(0);
            both.clearLogs();

            both.run("--ensure-replicas").assertCode(0);

            both.assertPlaced(hashes, 2);
            assertThat(both.goodWrites()).isEqualTo(20);
        }
    }

    @Test
    void twoServersOfOneDeviceHoldOneCopyBetweenThem() {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            final String hash = both.fill(35, 1).get(0);
            final List<Integer> order = both.dst.placement(hash);
            both.dst.store(order.get(0)).deviceId("shared");
            both.dst.store(order.get(1)).deviceId("shared");
            final byte[] data =
                    both.src.store(both.src.holders(hash).get(0)).blocks().read(hash);
            both.dst.put(data, order.get(0), order.get(1));

            both.run("--ensure-replicas").assertCode(0);

            assertThat(both.dst.holders(hash)).contains(order.get(2)).doesNotContain(order.get(3));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"head", "read"})
    void verifiesEveryCopyAndRepairsTheBadOnes(final String how) {
        for (final Era era : Era.values()) {
            final Path own = directory.resolve(era.name());
            try (KeepRsyncHarness both = new KeepRsyncHarness(era, makeDirectory(own), 3, 4)) {
                final List<String> hashes = both.fill(36, 20);
                both.run().assertCode(0);
                for (int i = 0; i < 3; i++) {
                    both.firstChoice(hashes.get(i)).blocks().corrupt(hashes.get(i));
                }

                final Run found =
                        both.run("--no-copy", "--verify", how, "--retries", "0").assertCode(1);
                assertThat(found.lines("verify: ")).hasSize(3);
                assertThat(found.err()).contains("verified 40 copies: 3 bad, 0 repaired");
                for (int i = 0; i < 3; i++) {
                    assertThat(found.err()).contains("verify: " + hashes.get(i));
                }

                assertThat(both.run("--verify", how, "--repair", "--retries", "0")
                                .assertCode(0)
                                .err())
                        .contains("3 bad, 3 repaired");
                both.assertPlaced(hashes, 2);
            }
        }
    }

    @Test
    void aSampleIsAPart() {
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.B, directory, 1, 2)) {
            both.fill(37, 200);
            both.run("--quiet").assertCode(0);

            final String line = both.run("--no-copy", "--verify", "head", "--sample", "25")
                    .assertCode(0)
                    .lines("verified")
                    .get(0);

            final int looked = Integer.parseInt(line.replaceAll(".*verified (\\d+) copies.*", "$1"));
            assertThat(looked).isBetween(2 * 20, 2 * 80);
        }
    }

    @Test
    void givesEachBlockTheCopiesThatItsCollectionsWant() {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            final List<String> hashes = both.fill(38, 4);
            both.src
                    .api()
                    .collection("aaaaa-4zz18-000000000000001", ". " + hashes.get(0) + "+100+Aabc@1 0:100:x\n", 1)
                    .collection(
                            "aaaaa-4zz18-000000000000002",
                            "./d " + hashes.get(1) + "+101 " + hashes.get(0) + "+100 0:1:y\n",
                            3)
                    .collection("aaaaa-4zz18-000000000000003", ". " + hashes.get(2) + "+102 0:1:y\n", 1);

            both.run("--per-block-replication").assertCode(0);

            both.assertPlaced(List.of(hashes.get(0)), 3);
            both.assertPlaced(List.of(hashes.get(1)), 3);
            both.assertPlaced(List.of(hashes.get(2)), 1);
            both.assertPlaced(List.of(hashes.get(3)), 2);
        }
    }

    @Test
    void holdsTheRate() {
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.B, directory, 1, 2)) {
            both.fill(39, 1 << 20, 1 << 20, 1 << 20, 1 << 20);
            final long startNs = System.nanoTime();

            both.run("--rate", "2M").assertCode(0);

            // A lower bound: no machine is too slow for it.
            assertThat(Duration.ofNanos(System.nanoTime() - startNs)).isGreaterThan(Duration.ofMillis(1400));
        }
    }

    @Test
    void aStormOf503IsWaitedOut() {
        try (KeepRsyncHarness both = clusters(Era.H)) {
            final List<String> hashes = both.fill(40, 30);
            both.dst.stores().forEach(store -> store.faults().busyFor(15));
            both.src.stores().forEach(store -> store.faults().busyFor(15));

            both.run().assertCode(0);

            both.assertPlacedAnywhere(hashes, 2);
        }
    }

    @Test
    void waitsAsLongAsAServerAsks() {
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.H, directory, 1, 1)) {
            both.fill(41, 1);
            both.src.store(0).faults().nextStatuses(503).retryAfter(Duration.ofSeconds(2));
            final long startNs = System.nanoTime();

            both.run("-replications", "1").assertCode(0);

            assertThat(Duration.ofNanos(System.nanoTime() - startNs)).isGreaterThan(Duration.ofMillis(1900));
        }
    }

    @Test
    void storageClassesAreAskedForAndCounted() {
        try (KeepRsyncHarness both = clusters(Era.H)) {
            final List<String> hashes = both.fill(42, 6);
            both.dst.store(0).storageClasses("default", "hot");
            both.dst.store(1).storageClasses("hot");

            both.run("--storage-classes", "hot").assertCode(0);
            for (final String hash : hashes) {
                assertThat(both.dst.holders(hash)).contains(0, 1);
            }

            both.fill(43, 1);
            assertThat(both.run("--storage-classes", "hot,cold").assertCode(1).err())
                    .contains("in every wanted class");
        }
    }

    @ParameterizedTest
    @EnumSource(Era.class)
    void touchRenewsTheTimes(final Era era) {
        try (KeepRsyncHarness both = clusters(era)) {
            final List<String> hashes = both.fill(44, 6);
            both.run().assertCode(0);
            final Instant old = Instant.parse("2020-01-01T00:00:00Z");
            both.dst
                    .stores()
                    .forEach(store -> store.blocks()
                            .hashes()
                            .forEach(hash -> store.blocks().mtime(hash, old)));

            both.run("--no-copy", "--touch").assertCode(0);

            for (final String hash : hashes) {
                for (final int holder : both.dst.holders(hash)) {
                    assertThat(both.dst.store(holder).blocks().mtime(hash)).isAfter(old);
                }
            }
            both.assertPlaced(hashes, 2);
        }
    }

    @Test
    void filtersBySizeTimeAndList() throws IOException {
        try (KeepRsyncHarness both = clusters(Era.A)) {
            final List<String> hashes = both.fill(45, 10);
            both.run("--min-size", "103", "--max-size", "105").assertCode(0);
            assertThat(both.dst.hashes()).containsExactlyElementsOf(new TreeSet<>(hashes.subList(3, 6)));

            final Path list = Files.writeString(
                    directory.resolve("list"), "# two\n" + hashes.get(0) + "\n" + hashes.get(9) + "+109\n");
            both.run("--include-from", list.toString()).assertCode(0);
            assertThat(both.dst.hashes()).hasSize(5).contains(hashes.get(0), hashes.get(9));

            both.src
                    .stores()
                    .forEach(store -> store.blocks()
                            .hashes()
                            .forEach(hash -> store.blocks().mtime(hash, Instant.parse("2015-01-01T00:00:00Z"))));
            both.src
                    .holders(hashes.get(7))
                    .forEach(n ->
                            both.src.store(n).blocks().mtime(hashes.get(7), Instant.parse("2016-02-01T00:00:00Z")));
            both.run("--newer-than", "2016-01-01T00:00:00Z").assertCode(0);
            assertThat(both.dst.hashes()).hasSize(6).contains(hashes.get(7));
        }
    }

    @Test
    void aDirectoryMayStandOnEitherSide() throws IOException {
        final Path store = Files.createDirectory(directory.resolve("store"));
        try (KeepRsyncHarness both = clusters(Era.B)) {
            final List<String> hashes = both.fill(46, 12);
            both.runPlain("-src", both.srcSettings().toString(), "-dst", "dir:" + store)
                    .assertCode(0);
            both.runPlain("-src", "dir:" + store, "-dst", both.dstSettings().toString())
                    .assertCode(0);

            both.assertPlaced(hashes, 2);
            assertThat(store.resolve(hashes.get(0).substring(0, 3)).resolve(hashes.get(0)))
                    .exists();
        }
    }

    @Test
    void aDiffListsWhatBothHave() {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            final List<String> hashes = both.fill(47, 4);
            both.run().assertCode(0);
            both.dst
                    .holders(hashes.get(1))
                    .forEach(n -> both.dst.store(n).blocks().delete(hashes.get(1)));
            both.dst
                    .holders(hashes.get(2))
                    .forEach(n -> both.dst.store(n).blocks().truncate(hashes.get(2), 9));
            final String extra = both.dst.put(new byte[] {1, 2, 3}, 0);

            final Run run = both.run("--diff", "-").assertCode(1);

            final Set<String> lines = new HashSet<>(run.out().lines().toList());
            assertThat(lines)
                    .containsExactlyInAnyOrder(
                            "= " + hashes.get(0) + "+100",
                            "+ " + hashes.get(1) + "+101",
                            "! " + hashes.get(2) + "+102",
                            "= " + hashes.get(3) + "+103",
                            "- " + extra + "+3");
            assertThat(both.goodReads()).isEqualTo(4);
        }
    }

    @Test
    void theOrderIsTheSameInEveryRun() {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            final List<String> hashes = both.fill(48, 300, 7, 20, 1000, 20);
            final List<String> inOrder = orderOf(both.run("--workers", "1"));
            assertThat(inOrder).isSorted();

            both.dst.stores().forEach(store -> store.blocks().hashes().forEach(store.blocks()::delete));
            final List<String> largestFirst = orderOf(both.run("--workers", "1", "--order", "largest"));
            assertThat(largestFirst.subList(0, 2)).containsExactly(hashes.get(3), hashes.get(0));
            assertThat(largestFirst.get(4)).isEqualTo(hashes.get(1));
        }
    }

    private static List<String> orderOf(final Run run) {
        return run.assertCode(0).lines("copying data block").stream()
                .map(line -> line.replaceAll(".*: ([0-9a-f]{32})\\+.*", "$1"))
                .toList();
    }

    @Test
    void theSummaryAddsUp() throws IOException {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            both.fill(49, 25);

            final Run run = both.run("--json").assertCode(0);

            final JsonNode summary = events(run, "summary").get(0);
            assertThat(events(run, "block")).hasSize(25);
            assertThat(summary.path("copied").asLong()).isEqualTo(25);
            assertThat(summary.path("copiesWritten").asLong()).isEqualTo(50);
            long requests = 0;
            for (final JsonNode store : summary.path("stores")) {
                requests += store.path("requests").asLong();
            }
            final long answered = both.src.stores().stream()
                            .mapToLong(s -> s.log().entries().size())
                            .sum()
                    + both.dst.stores().stream()
                            .mapToLong(s -> s.log().entries().size())
                            .sum();
            assertThat(requests).isEqualTo(answered);
        }
    }

    @Test
    void slicesAndACheckpointSkipWhatIsFinished() {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            final List<String> hashes = both.fill(50, 40);
            final Path checkpoint = directory.resolve("checkpoint");
            both.src.stores().forEach(store -> store.faults().statusOf(hashes.get(0), 404));
            both.run("--checkpoint", "file:" + checkpoint).assertCode(1);
            assertThat(both.dst.hashes()).hasSize(39);
            both.clearLogs();
            both.src.stores().forEach(store -> store.faults().statusOf(hashes.get(0), 0));

            both.run("--checkpoint", "file:" + checkpoint).assertCode(0);

            assertThat(both.dst.hashes()).hasSize(40);
            assertThat(both.src.store(0).log().indexes())
                    .singleElement()
                    .satisfies(entry -> assertThat(entry.path())
                            .isEqualTo("/index/" + hashes.get(0).charAt(0)));
        }
    }

    @Test
    void twoRunsAtOnceDoNoHarm() throws Exception {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            final List<String> hashes = both.fill(51, 40);
            final int[] codes = new int[2];
            final Thread other = new Thread(() -> codes[0] = both.run().code());
            other.start();
            codes[1] = both.run().code();
            other.join();

            assertThat(codes).containsExactly(0, 0);
            both.assertPlaced(hashes, 2);
        }
    }

    @Test
    void aServiceThatJoinsIsUsedAfterTheRefresh() {
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.B, directory, 1, 2)) {
            both.fill(52, 60);
            both.src.store(0).faults().latency(Duration.ofMillis(80)); // there is time to join
            final Thread joining = new Thread(() -> {
                org.awaitility.Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> both.goodWrites() > 4);
                both.dst.addStore();
            });
            joining.start();

            final Run run =
                    both.run("--workers", "1", "--refresh-services", "100ms").assertCode(0);

            assertThat(run.err()).doesNotContain("were not written where they belong");
            assertThat(both.dst.store(2).blocks().hashes()).isNotEmpty();
        }
    }

    @Test
    void anApiServerThatStumblesIsAskedAgain() {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            both.fill(53, 2);
            both.src.api().failFirst(1);

            both.run().assertCode(0);
        }
    }

    @Test
    void stopsAtTheFirstErrorWhenToldTo() {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            final List<String> hashes = both.fill(54, 40);
            final String first = new TreeSet<>(hashes).first();
            both.src.stores().forEach(store -> store.faults().statusOf(first, 404));

            both.run("--stop-on-error", "--workers", "1").assertCode(1);

            assertThat(both.dst.hashes().size()).isLessThan(39);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"--failed-out", "--plan-out"})
    void aListThatCannotBeWrittenIsRefusedBeforeTheCopy(final String flag) {
        try (KeepRsyncHarness both = clusters(Era.B)) {
            both.fill(61, 3);

            final String file = both.directory.resolve("nowhere/list").toString();
            assertThat(both.run(flag, file).assertCode(2).err()).contains(flag, file);

            assertThat(both.dst.hashes()).isEmpty();
        }
    }

    @Test
    void helpAndVersionAndWrongFlagsHaveTheCodesOfTheTool() {
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.B, directory, 1, 1)) {
            for (final String help : List.of("-h", "--help", "-help")) {
                final Run run = both.runPlain(help).assertCode(2);
                assertThat(run.err()).contains("Usage: replicate keep-rsync", "-replications");
                assertThat(run.out()).isEmpty();
            }
            both.run("-replications", "7", "-replications=0", "-dry-run").assertCode(0);
            assertThat(both.runPlain("-version").assertCode(0).out()).startsWith("keep-rsync ");
            both.runPlain("-no-such-flag").assertCode(2);
            both.run("-replications", "many").assertCode(2);
            both.run("-replications", "0x1f", "-dry-run").assertCode(0);
            both.run("-replications", "08").assertCode(2);
            both.run("-replications", "99999999999").assertCode(2);
            both.run("-replications", "-1").assertCode(2);
            both.run("-src-blob-signature-ttl", "5").assertCode(2);
            both.run("--newer-than", "banana").assertCode(2);
            both.run("--repair").assertCode(2);
            both.run("--workers", "0").assertCode(2);
        }
    }

    @Test
    void worksWithoutSignatures() {
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.B, directory, 2, 2, "")) {
            final List<String> hashes = both.fill(55, 5);

            both.run().assertCode(0);

            both.assertPlaced(hashes, 2);
            assertThat(Blocks.md5(new byte[0])).isEqualTo("d41d8cd98f00b204e9800998ecf8427e");
            assertThat(FakeCluster.SIGNATURE_TTL).isEqualTo(Duration.ofHours(336));
        }
    }
}
