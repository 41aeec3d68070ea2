package io.replicate.delta.apply;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.job.Throttle;
import io.replicate.core.spi.Cancellation;
import io.replicate.delta.tree.TreeCompanion;
import io.replicate.delta.tree.TreeFile;
import io.replicate.delta.tree.TreeScan;
import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The power fails at every operation of a merge, of its undo, of a rollback, and of the recovery from that. */
class CrashTest {
    private static final int CHUNK = 512;
    private static final long SEED = Long.getLong("replicate.seed", 20261121L);
    private static final int TRIES = 3;

    private final byte[] old = Deltas.image(40 * CHUNK + 100, 1);
    private final byte[] changed = Deltas.change(old, CHUNK, 36, 2);

    private static DeltaTarget open(final FaultyDisk disk) throws IOException {
        return DeltaTarget.open(disk.image(), disk.directory(), Companion.NONE, Cloner.NONE);
    }

    private interface Work {
        void on(FaultyDisk disk) throws IOException;
    }

    private void atEveryStep(final FaultyDiskMaker maker, final Work work, final byte[]... allowed) throws IOException {
        final FaultyDisk whole = maker.make();
        whole.failAt(Long.MAX_VALUE);
        work.on(whole);
        final long steps = whole.operations();
        assertThat(steps).isGreaterThan(10);
        boolean sawFirst = false;
        boolean sawLast = false;
        for (long step = 0; step < steps; step++) {
            for (int attempt = 0; attempt < TRIES; attempt++) {
                final long seed = SEED + 1000 * step + attempt;
                final FaultyDisk disk = maker.make();
                disk.failAt(step);
                failing(() -> work.on(disk));
                final Random random = new Random(seed);
                disk.crash(random);
                // The recovery dies as well, somewhere, and is begun again.
                disk.failAt(random.nextInt(40));
                failing(() -> open(disk).close());
                disk.crash(random);
                final String generation;
                try (DeltaTarget target = open(disk)) {
                    generation = target.generation();
                }
                final byte[] now = disk.imageNow();
                assertThat(Arrays.stream(allowed).anyMatch(a -> Arrays.equals(a, now)))
                        .as("step %d of %d, seed %d: generation '%s'", step, steps, seed, generation)
                        .isTrue();
                if ("g1".equals(generation)) {
                    assertThat(now).isEqualTo(changed);
                }
                sawFirst |= Arrays.equals(now, allowed[0]);
                sawLast |= Arrays.equals(now, allowed[allowed.length - 1]);
            }
        }
        assertThat(sawFirst && sawLast).as("both outcomes happen").isTrue();
    }

    private interface FaultyDiskMaker {
        FaultyDisk make() throws IOException;
    }

    private static void failing(final org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        try {
            call.call();
        } catch (final Throwable e) {
            assertThat(e)
                    .satisfiesAnyOf(
                            f -> assertThat(f).isInstanceOf(FaultyDisk.PowerFailure.class),
                            f -> assertThat(f).hasRootCauseInstanceOf(FaultyDisk.PowerFailure.class));
        }
    }

    private void merge(final FaultyDisk disk, final int undo) throws IOException {
        final byte[] delta = Deltas.marked(old, changed, CHUNK, "g0", "g1");
        try (DeltaTarget target = open(disk)) {
            target.merge(Deltas.in(delta), "delta", MergeOptions.DEFAULT.undo(undo));
        }
    }

    @Test
    void aMergeLeavesTheOldImageOrTheNewOne() throws IOException {
        atEveryStep(() -> new FaultyDisk(old), disk -> merge(disk, 0), old, changed);
    }

    @Test
    void aMergeThatKeepsAnUndoLeavesTheOldImageOrTheNewOne() throws IOException {
        atEveryStep(() -> new FaultyDisk(old), disk -> merge(disk, 2), old, changed);
    }

    @Test
    void theHashTreeIsThatOfTheImageOrGone() throws IOException {
        final byte[] delta = Deltas.marked(old, changed, CHUNK, "g0", "g1");
        final Throttle free = new Throttle(Throttle.UNLIMITED);
        final Cancellation never = new Cancellation();
        long step = 0;
        boolean more = true;
        while (more) {
            final FaultyDisk disk = new FaultyDisk(old);
            new TreeScan(disk.image(), free, never)
                    .build(disk.directory().create(TreeCompanion.NAME), old.length, "")
                    .close();
            disk.directory().sync();
            disk.failAt(step);
            more = false;
            try (DeltaTarget target = openWithTree(disk)) {
                target.merge(Deltas.in(delta), "delta", MergeOptions.DEFAULT);
            } catch (final IOException e) {
                more = true;
            }
            disk.crash(new Random(SEED + step));
            try (DeltaTarget target = openWithTree(disk);
                    TreeFile tree = TreeFile.open(disk.directory().open(TreeCompanion.NAME))) {
                final long at = step;
                assertThat(tree.generation()).isEqualTo(target.generation());
                assertThat(new TreeScan(disk.image(), free, never).scrub(tree, (offset, length) -> {}))
                        .as("step %d", at)
                        .isZero();
            }
            step++;
        }
        assertThat(step).isGreaterThan(20);
    }

    private static DeltaTarget openWithTree(final FaultyDisk disk) throws IOException {
        return DeltaTarget.open(disk.image(), disk.directory(), new TreeCompanion(disk.directory()), Cloner.NONE);
    }

    @Test
    void aRollbackLeavesTheNewImageOrTheOldOne() throws IOException {
        atEveryStep(
                () -> {
                    final FaultyDisk disk = new FaultyDisk(old);
                    merge(disk, 1);
                    return disk;
                },
                disk -> {
                    try (DeltaTarget target = open(disk)) {
                        target.rollback();
                    }
                },
                changed,
                old);
    }

    @Test
    void afterAnyCrashTheSameMergeSucceeds() throws IOException {
        final FaultyDisk whole = new FaultyDisk(old);
        whole.failAt(Long.MAX_VALUE);
        merge(whole, 1);
        for (long step = 0; step < whole.operations(); step++) {
            final FaultyDisk disk = new FaultyDisk(old);
            disk.failAt(step);
            failing(() -> merge(disk, 1));
            disk.crash(new Random(SEED + step));
            merge(disk, 1);
            assertThat(disk.imageNow()).as("step %d", step).isEqualTo(changed);
            try (DeltaTarget target = open(disk)) {
                assertThat(target.generation()).isEqualTo("g1");
                target.rollback();
            }
            assertThat(disk.imageNow()).as("step %d, rolled back", step).isEqualTo(old);
        }
    }

    private static DeltaTarget openWithClones(final FaultyDisk disk) throws IOException {
        return DeltaTarget.open(disk.image(), disk.directory(), Companion.NONE, disk.cloner());
    }

    @Test
    void aMergeThroughACloneLeavesTheOldImageOrTheNewOne() throws IOException {
        final byte[] delta = Deltas.marked(old, changed, CHUNK, "g0", "g1");
        final FaultyDisk whole = new FaultyDisk(old);
        whole.failAt(Long.MAX_VALUE);
        mergeWithClones(whole, delta);
        assertThat(whole.imageNow()).isEqualTo(changed);
        boolean sawOld = false;
        for (long step = 0; step < whole.operations(); step++) {
            for (int attempt = 0; attempt < TRIES; attempt++) {
                final long seed = SEED + 1000 * step + attempt;
                final Random random = new Random(seed);
                final FaultyDisk disk = new FaultyDisk(old);
                disk.failAt(step);
                failing(() -> mergeWithClones(disk, delta));
                disk.crash(random);
                disk.failAt(random.nextInt(10));
                failing(() -> openWithClones(disk).close());
                disk.crash(random);
                final String generation;
                try (DeltaTarget target = openWithClones(disk)) {
                    generation = target.generation();
                }
                final boolean isNew = "g1".equals(generation);
                assertThat(disk.imageNow())
                        .as("step %d, seed %d, generation '%s'", step, seed, generation)
                        .isEqualTo(isNew ? changed : old);
                sawOld |= !isNew;
                mergeWithClones(disk, delta);
                assertThat(disk.imageNow()).isEqualTo(changed);
            }
        }
        assertThat(sawOld).isTrue();
    }

    private static void mergeWithClones(final FaultyDisk disk, final byte[] delta) throws IOException {
        try (DeltaTarget target = openWithClones(disk)) {
            target.merge(Deltas.in(delta), "delta", MergeOptions.DEFAULT);
        }
    }

    @Test
    void anInPlaceMergeIsOldOrNewOrRememberedAsTorn() throws IOException {
        final byte[] delta = Deltas.marked(old, changed, CHUNK, "g0", "g1");
        final FaultyDisk whole = new FaultyDisk(old);
        whole.failAt(Long.MAX_VALUE);
        mergeInPlace(whole, delta);
        boolean sawTorn = false;
        for (long step = 0; step < whole.operations(); step++) {
            final long seed = SEED + step;
            final FaultyDisk disk = new FaultyDisk(old);
            disk.failAt(step);
            failing(() -> mergeInPlace(disk, delta));
            disk.crash(new Random(seed));
            try (DeltaTarget target = open(disk)) {
                if (!target.torn()) {
                    assertThat(disk.imageNow())
                            .as("step %d, seed %d", step, seed)
                            .isEqualTo("g1".equals(target.generation()) ? changed : old);
                }
                sawTorn |= target.torn();
            }
            mergeInPlace(disk, delta);
            assertThat(disk.imageNow())
                    .as("step %d, seed %d, again", step, seed)
                    .isEqualTo(changed);
        }
        assertThat(sawTorn).isTrue();
    }

    private static void mergeInPlace(final FaultyDisk disk, final byte[] delta) throws IOException {
        try (DeltaTarget target = open(disk)) {
            target.mergeInPlace(Deltas.in(delta), "delta", MergeOptions.DEFAULT);
        }
    }
}
