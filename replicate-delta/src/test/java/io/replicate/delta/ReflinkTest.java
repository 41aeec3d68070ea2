package io.replicate.delta;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.replicate.core.job.Throttle;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Locator;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.apply.Deltas;
import io.replicate.delta.apply.MergeOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On a file system with clones (XFS in a loop device; skipped without root) the target is replaced as one. */
class ReflinkTest {
    @TempDir
    Path dir;

    private Path mount = Path.of("unset");
    private boolean mounted;

    @BeforeEach
    void mount() throws Exception {
        assumeTrue("root".equals(System.getProperty("user.name")), "loop mounts need root");
        final Path disk = dir.resolve("disk");
        mount = Files.createDirectory(dir.resolve("mnt"));
        try (FileChannel file = FileChannel.open(
                disk, java.nio.file.StandardOpenOption.CREATE, java.nio.file.StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.allocate(1), (400L << 20) - 1);
        }
        assumeTrue(run("mkfs.xfs", "-q", "-f", disk.toString()) == 0, "mkfs.xfs is not here");
        mounted = run("mount", "-o", "loop", disk.toString(), mount.toString()) == 0;
        assumeTrue(mounted, "XFS cannot be mounted here");
    }

    @AfterEach
    void unmount() throws Exception {
        if (mounted) {
            assertThat(run("umount", mount.toString())).isZero();
        }
    }

    private static int run(final String... command) throws InterruptedException {
        try {
            final Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            return process.waitFor(60, TimeUnit.SECONDS) ? process.exitValue() : -1;
        } catch (final IOException e) {
            return -1;
        }
    }

    @Test
    void whoHasTheOldContentOpenKeepsItAndTheNameHasTheNew() throws IOException {
        final byte[] old = Deltas.image(4 << 20, 1);
        final byte[] next = Deltas.change(old, 4096, 100, 2);
        final Path file = mount.resolve("t.img");
        Files.write(file, old);
        final Throttle free = new Throttle(Throttle.UNLIMITED);
        try (FileChannel before = FileChannel.open(file)) {
            try (DeltaTarget target = Targets.open(Locator.file(file.toString()), null, false)) {
                new Verification(target, free, new Cancellation()).record();
                target.merge(
                        Deltas.in(Deltas.marked(old, next, 4096, "g0", "g1")), "delta", MergeOptions.DEFAULT.undo(1));
                assertThat(new Verification(target, free, new Cancellation()).scrub((offset, length) -> {}))
                        .isZero();
            }
            assertThat(Files.readAllBytes(file)).isEqualTo(next);
            final ByteBuffer seen = ByteBuffer.allocate(old.length);
            while (seen.hasRemaining() && before.read(seen) >= 0) {
                // to the end
            }
            assertThat(seen.array()).isEqualTo(old);
        }
        try (DeltaTarget target = Targets.open(Locator.file(file.toString()), null, false)) {
            assertThat(target.generation()).isEqualTo("g1");
            target.rollback();
        }
        assertThat(Files.readAllBytes(file)).isEqualTo(old);
    }

    @Test
    void aFileWithTwoNamesKeepsBoth() throws IOException {
        final byte[] old = Deltas.image(1 << 20, 1);
        final byte[] next = Deltas.change(old, 4096, 10, 2);
        final Path file = mount.resolve("t.img");
        final Path other = mount.resolve("other.img");
        Files.write(file, old);
        Files.createLink(other, file);
        try (DeltaTarget target = Targets.open(Locator.file(file.toString()), null, false)) {
            target.merge(Deltas.in(Deltas.bare(old, next, 4096)), "delta", MergeOptions.DEFAULT);
        }
        assertThat(Files.readAllBytes(other)).isEqualTo(next);
    }
}
