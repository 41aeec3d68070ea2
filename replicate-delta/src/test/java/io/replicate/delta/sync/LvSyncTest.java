package io.replicate.delta.sync;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.Locator;
import io.replicate.delta.apply.Deltas;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The rotation of snapshots: what it does, and how it heals from every crash. */
class LvSyncTest {
    private static final String SNAP1 = "lv_osvc_snap1";

    @TempDir
    Path dir;

    private final byte[] first = Deltas.image((256 << 10) + 512, 1);
    private final byte[] second = Deltas.change(first, 4096, 20, 2);
    private final byte[] third = Deltas.change(second, 4096, 20, 3);
    private final List<String> said = new ArrayList<>();
    private int worlds;

    /** One machine with a volume and two copies. */
    private final class World {
        private final Path home = dir.resolve("w" + worlds++);
        private final Path a = home.resolve("a.img");
        private final Path b = home.resolve("b.img");
        private final FileLvm lvm;

        World() throws IOException {
            Files.createDirectories(home.resolve("dev"));
            Files.write(a, new byte[first.length]);
            Files.write(b, new byte[first.length]);
            lvm = new FileLvm(home.resolve("dev"), first);
        }

        void sync() throws IOException {
            LvSync.of(
                            lvm,
                            "vg",
                            "lv",
                            "10%ORIGIN",
                            home.resolve("state"),
                            null,
                            List.of(Locator.file(a.toString()), Locator.file(b.toString())),
                            said::add)
                    .run();
        }

        void assertCopies(final byte[] expected) throws IOException {
            assertThat(Files.readAllBytes(a)).isEqualTo(expected);
            assertThat(Files.readAllBytes(b)).isEqualTo(expected);
        }
    }

    @Test
    void theFirstRunIsFullAndTheNextOnesSendWhatChanged() throws IOException {
        final World world = new World();
        world.sync();
        world.assertCopies(first);
        world.lvm.write(second);
        world.sync();
        world.assertCopies(second);
        world.lvm.write(third);
        world.sync();
        world.assertCopies(third);
        world.sync();
        world.assertCopies(third);
        assertThat(said.stream().filter(line -> line.contains("full sync"))).hasSize(1);
        assertThat(said.stream().filter(line -> line.contains("hashes"))).isEmpty();
        assertThat(Files.readString(world.home.resolve("state/vg_lv.dds_state")))
                .matches("\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{6};[0-9a-f-]{36}\n");
    }

    @Test
    void everyCrashPointHealsOnTheNextRun() throws IOException {
        final World probe = new World();
        probe.sync();
        probe.lvm.write(second);
        probe.lvm.dieAt(Long.MAX_VALUE, false);
        probe.sync();
        final long commands = probe.lvm.commands();
        assertThat(commands).isGreaterThan(5);
        said.clear();
        for (long command = 0; command < commands; command++) {
            for (final boolean after : new boolean[] {false, true}) {
                final World world = new World();
                world.sync();
                world.lvm.write(second);
                world.lvm.dieAt(command, after);
                assertThatThrownBy(world::sync).isInstanceOf(FileLvm.Died.class);
                world.lvm.dieAt(Long.MAX_VALUE, false);
                world.lvm.write(third);
                world.sync();
                world.sync();
                world.assertCopies(third);
            }
        }
        assertThat(said.stream().filter(line -> line.contains("full sync")).count())
                .as("no crash costs a full sync")
                .isEqualTo(2 * commands);
    }

    @Test
    void aFirstRunThatDiesIsBegunAgain() throws IOException {
        for (long command = 0; command < 6; command++) {
            final World world = new World();
            world.lvm.dieAt(command, true);
            assertThatThrownBy(world::sync).isInstanceOf(FileLvm.Died.class);
            world.lvm.dieAt(Long.MAX_VALUE, false);
            world.lvm.write(second);
            world.sync();
            world.sync();
            world.assertCopies(second);
        }
    }

    @Test
    void anOverflowedSnapshotCostsAHashExchangeAndNotAFullSync() throws IOException {
        final World world = new World();
        world.sync();
        world.lvm.write(second);
        world.lvm.overflow(SNAP1);
        world.sync();
        world.assertCopies(second);
        assertThat(said).anyMatch(line -> line.contains("comparing hashes"));
    }

    @Test
    void aSecondSnapshotThatOverflowedIsMadeAnew() throws IOException {
        final World world = new World();
        world.sync();
        world.lvm.write(second);
        world.lvm.dieAt(5, true);
        assertThatThrownBy(world::sync).isInstanceOf(FileLvm.Died.class);
        world.lvm.dieAt(Long.MAX_VALUE, false);
        assertThat(world.home.resolve("dev/lv_osvc_snap2.cow")).exists();
        world.lvm.write(third);
        world.lvm.overflow("lv_osvc_snap2");
        world.sync();
        world.assertCopies(third);
        assertThat(said).anyMatch(line -> line.contains("overflowed before it was sent"));
    }

    @Test
    void aStoreWhoseDeviceIsGoneCostsAHashExchange() throws IOException {
        final World world = new World();
        world.sync();
        world.lvm.write(second);
        Files.move(world.home.resolve("dev/lv_osvc_snap1.cow"), world.home.resolve("dev/away"));
        Files.createDirectory(world.home.resolve("dev/lv_osvc_snap1.cow"));
        world.sync();
        world.assertCopies(second);
        assertThat(said).anyMatch(line -> line.contains("comparing hashes"));
    }

    @Test
    void twoRunsAtOnceAreRefused() throws IOException {
        final World world = new World();
        try (SyncLock first = SyncLock.take(world.home.resolve("state/vg_lv.lock"))) {
            assertThatThrownBy(world::sync).hasMessageContaining("another sync");
        }
        world.sync();
        world.assertCopies(this.first);
    }

    @Test
    void theStateOfOpenSvcIsTakenOver() throws IOException {
        final World world = new World();
        world.sync();
        final Path state = world.home.resolve("state/vg_lv.dds_state");
        final String uuid = Files.readString(state).strip().split(";")[1];
        Files.writeString(state, "2024-01-02 03:04:05.678901;" + uuid);
        for (final String copy : new String[] {".a.img.delta", ".b.img.delta"}) {
            try (var files = Files.walk(world.home.resolve(copy))) {
                for (final Path file :
                        files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
        said.clear();
        world.lvm.write(second);
        world.sync();
        world.assertCopies(second);
        assertThat(said).noneMatch(line -> line.contains("full sync"));
    }

    @Test
    void aCopyThatWasReplacedIsBroughtBack() throws IOException {
        final World world = new World();
        world.sync();
        world.lvm.write(second);
        Files.write(world.b, new byte[first.length]);
        try (var state = Files.walk(world.home.resolve(".b.img.delta"))) {
            for (final Path file :
                    state.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
        world.sync();
        world.assertCopies(second);
    }

    @Test
    void aCopyThatOthersWroteCostsAHashExchange() throws IOException {
        final World world = new World();
        world.sync();
        world.lvm.write(second);
        final byte[] written = first.clone();
        final int unchanged = unchanged(first, second);
        written[unchanged]++;
        Files.write(world.a, written);
        world.sync();
        world.assertCopies(second);
        assertThat(said).anyMatch(line -> line.contains("differs at offset") && line.contains("comparing hashes"));
    }

    /** Returns the offset of a chunk that is the same in both. */
    private static int unchanged(final byte[] a, final byte[] b) {
        int at = 0;
        while (!Arrays.equals(a, at, at + 4096, b, at, at + 4096)) {
            at += 4096;
        }
        return at;
    }

    @Test
    void namesWithHyphensAreEscapedAsDeviceMapperDoes() {
        assertThat(new ProcessLvm(Path.of("/dev")).cowDevice("my-vg", "a-b_osvc_snap1"))
                .isEqualTo("/dev/mapper/my--vg-a--b_osvc_snap1-cow");
    }
}
