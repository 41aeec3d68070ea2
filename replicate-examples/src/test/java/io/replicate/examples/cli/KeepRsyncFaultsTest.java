package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.cas.testing.Era;
import io.replicate.cas.testing.FakeKeepstore;
import io.replicate.cas.testing.Faults;
import io.replicate.cas.testing.RequestLog;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** keep-rsync against servers that fail in one way each: on one server it is gone round, on all it is reported. */
class KeepRsyncFaultsTest {
    @TempDir
    private Path directory;

    /** What can go wrong with a server that is asked for a block. */
    enum ReadFault {
        HANGS(faults -> faults.hang(true)),
        RESETS_MID_BODY(faults -> faults.resetMidBody(true)),
        ENDS_SHORT(faults -> faults.shortBodies(true)),
        SENDS_WRONG_BYTES(faults -> faults.wrongBytes(true)),
        CLOSES_INSTEAD(faults -> faults.closeBeforeAnswer(true));

        private final Consumer<Faults> switchOn;

        ReadFault(final Consumer<Faults> switchOn) {
            this.switchOn = switchOn;
        }
    }

    @ParameterizedTest
    @EnumSource
    void aReaderGoesRoundAFaultyServer(final ReadFault fault) {
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.B, directory, 2, 3)) {
            final List<String> hashes = both.fill(fault.ordinal(), 400, 70_000, 2_000_000);
            final FakeKeepstore faulty = both.src.store(0);
            fault.switchOn.accept(faulty.faults());

            final KeepRsyncHarness.Run run = both.run("--idle-timeout", "2s", "--retries", "0");

            faulty.faults().hang(false);
            run.assertCode(0);
            both.assertPlaced(hashes, 2);
        }
    }

    @ParameterizedTest
    @EnumSource
    void whatEveryServerSpoilsIsReportedAndNeverStored(final ReadFault fault) {
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.H, directory, 1, 2)) {
            final String hash = both.fill(fault.ordinal(), new int[] {70_000}).get(0);
            final FakeKeepstore faulty = both.src.store(0);
            fault.switchOn.accept(faulty.faults());

            final KeepRsyncHarness.Run run = both.run("--idle-timeout", "2s", "--retries", "0");

            faulty.faults().hang(false);
            assertThat(run.assertCode(1).lines("Error while syncing data: Error getting block: " + hash + "+70000"))
                    .hasSize(1);
            assertThat(both.dst.hashes()).isEmpty();
        }
    }

    /** What can go wrong with a server that is given a block. */
    enum WriteFault {
        HANGS(faults -> faults.hang(true)),
        IS_FULL(faults -> faults.full(true)),
        HAS_NO_WRITABLE_VOLUME(faults -> faults.readOnlyVolumes(true)),
        CLOSES_INSTEAD(faults -> faults.closeBeforeAnswer(true)),
        SAYS_IT_STORED_NOTHING(faults -> faults.replicasSaid(0));

        private final Consumer<Faults> switchOn;

        WriteFault(final Consumer<Faults> switchOn) {
            this.switchOn = switchOn;
        }
    }

    @ParameterizedTest
    @EnumSource
    void aWriterTakesTheNextServerForAFaultyOne(final WriteFault fault) {
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.B, directory, 1, 3)) {
            final List<String> hashes = both.fill(fault.ordinal(), 300, 90_000);
            final FakeKeepstore faulty = both.firstChoice(hashes.get(0));
            fault.switchOn.accept(faulty.faults());

            final KeepRsyncHarness.Run run = both.run("--idle-timeout", "2s", "--retries", "0");

            faulty.faults().hang(false);
            run.assertCode(0);
            for (final String hash : hashes) {
                assertThat(both.dst.stores().stream()
                                .filter(store -> store != faulty)
                                .filter(store -> store.blocks().hashes().contains(hash))
                                .count())
                        .isEqualTo(2);
            }
        }
    }

    @Test
    void aConnectionThatTheServerClosedWhileItWasIdleIsReplaced() {
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.B, directory, 2, 3)) {
            both.src.stores().forEach(store -> store.faults().closeKept(true));
            both.dst.stores().forEach(store -> store.faults().closeKept(true));
            final List<String> hashes = both.fill(31, 60);

            both.run("--workers", "1", "--retries", "0").assertCode(0);

            both.assertPlaced(hashes, 2);
        }
    }

    @Test
    void aServerThatMakesSeveralCopiesItselfIsBelieved() {
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.B, directory, 1, 3)) {
            both.dst.stores().forEach(store -> store.faults().replicasSaid(2));
            final List<String> hashes = both.fill(32, 5);

            both.run("-replications", "4").assertCode(0);

            for (final String hash : hashes) {
                assertThat(both.dst.holders(hash)).hasSizeBetween(2, 3);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Era.class)
    void anIndexThatIsCutAtItsSeamsCopiesNothing(final Era era) {
        try (KeepRsyncHarness both = new KeepRsyncHarness(era, directory, 1, 2)) {
            both.fill(33, 2);
            final int line = era == Era.A ? 32 + 4 + 1 + 10 + 1 : 32 + 4 + 1 + 19 + 1;
            for (final int cut : new int[] {0, line, 2 * line}) {
                both.src.store(0).faults().truncateIndexAt(cut);
                assertThat(both.run().assertCode(1).err()).contains("is incomplete");
            }
            both.src.store(0).faults().truncateIndexAt(-1);
            both.dst.store(1).faults().truncateIndexAt(0);
            assertThat(both.run().assertCode(1).err()).contains("is incomplete");
            assertThat(both.dst.hashes()).isEmpty();
        }
    }

    @Test
    void aStormSlowsTheRequestsDownAndTheRunCompletes() {
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.H, directory, 1, 2)) {
            final List<String> hashes = both.fill(34, 60);
            both.dst.stores().forEach(store -> store.faults().busyFor(8));

            both.run("--workers", "16").assertCode(0);

            both.assertPlaced(hashes, 2);
            for (final FakeKeepstore store : both.dst.stores()) {
                final List<RequestLog.Entry> puts = store.log().blocks("PUT");
                assertThat(puts.stream().filter(put -> put.status() == 503).count())
                        .isEqualTo(8);
                // Nobody hammers: each block is refused a few times at most, and then waits its turn.
                assertThat(puts).hasSizeLessThanOrEqualTo(hashes.size() + 8);
            }
        }
    }

    @Test
    void aProxyThatSays413ForASmallBlockIsJudgedByItsReplicaHeader() {
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.B, directory, 1, 3)) {
            both.dst.addProxy();
            both.dst.store(0).faults().full(true);
            final List<String> hashes = both.fill(35, 4);

            assertThat(both.run("-dst-keep-services-json", both.dst.proxyJson(), "-replications", "3")
                            .assertCode(1)
                            .err())
                    .contains("wanted 3, stored 2");
            both.run("-dst-keep-services-json", both.dst.proxyJson(), "-replications", "2")
                    .assertCode(0);

            assertThat(both.dst.hashes()).isEqualTo(new TreeSet<>(hashes));
        }
    }

    @Test
    void noWayOfRunningShowsASecret() {
        // The harness searches all that is printed; here for what was not run elsewhere with stack traces and as JSON.
        try (KeepRsyncHarness both = new KeepRsyncHarness(Era.H, directory, 2, 3)) {
            both.fill(36, 3);
            both.src.stores().forEach(store -> store.faults().closeBeforeAnswer(true));
            both.run("-v", "--json", "--retries", "0").assertCode(1);
            both.src.stores().forEach(store -> store.faults().closeBeforeAnswer(false));
            both.run("-v", "-src-blob-signing-key", "another0key0of0no0use").assertCode(1);
            both.run("-v", "-src-data-manager-token", "another0token0of0no0use").assertCode(1);
            both.run("-v", "--json", "--verify", "read", "--touch").assertCode(0);
            both.run("-v", "--no-copy", "--verify", "head", "-dst-blob-signing-key", "another0key0of0no0use")
                    .assertCode(1);
            both.run("-v", "--diff", "-").assertCode(0);
            both.dst.store(0).down();
            both.run("-v", "--json").assertCode(1);
        }
    }
}
