package io.replicate.delta;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.job.Throttle;
import io.replicate.core.posix.LoopMount;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** On file systems with clones, in loop devices (skipped without root or mkfs), the target is replaced as one. */
class ReflinkTest {
    private static final long DISK_BYTES = 400L << 20;

    private static DeltaTarget open(final Path file) throws IOException {
        return Targets.open(Locator.file(file.toString()), null, false);
    }

    private static Object inode(final Path file) throws IOException {
        return Files.getAttribute(file, "unix:ino");
    }

    @ParameterizedTest
    @ValueSource(strings = {"xfs", "btrfs"})
    void whoHasTheOldContentOpenKeepsItAndTheNameHasTheNew(final String type) throws IOException {
        final byte[] old = Deltas.image(4 << 20, 1);
        final byte[] next = Deltas.change(old, 4096, 100, 2);
        final Throttle free = new Throttle(Throttle.UNLIMITED);
        try (LoopMount mount = LoopMount.mount(type, DISK_BYTES)) {
            final Path file = Files.write(mount.path().resolve("t.img"), old);
            final Object inode = inode(file);
            try (FileChannel before = FileChannel.open(file)) {
                try (DeltaTarget target = open(file)) {
                    new Verification(target, free, new Cancellation()).record();
                    target.merge(
                            Deltas.in(Deltas.marked(old, next, 4096, "g0", "g1")),
                            "delta",
                            MergeOptions.DEFAULT.undo(1));
                    assertThat(new Verification(target, free, new Cancellation()).scrub((offset, length) -> {}))
                            .isZero();
                }
                assertThat(inode(file)).as("a clone took the name").isNotEqualTo(inode);
                assertThat(file).hasBinaryContent(next);
                final ByteBuffer seen = ByteBuffer.allocate(old.length);
                while (seen.hasRemaining() && before.read(seen) >= 0) {
                    // to the end
                }
                assertThat(seen.array()).isEqualTo(old);
            }
            try (DeltaTarget target = open(file)) {
                assertThat(target.generation()).isEqualTo("g1");
                target.rollback();
            }
            assertThat(file).hasBinaryContent(old);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"xfs", "btrfs"})
    void aFileWithTwoNamesKeepsBoth(final String type) throws IOException {
        final byte[] old = Deltas.image(1 << 20, 1);
        final byte[] next = Deltas.change(old, 4096, 10, 2);
        try (LoopMount mount = LoopMount.mount(type, DISK_BYTES)) {
            final Path file = Files.write(mount.path().resolve("t.img"), old);
            final Path other = Files.createLink(mount.path().resolve("other.img"), file);
            final Object inode = inode(file);
            try (DeltaTarget target = open(file)) {
                target.merge(Deltas.in(Deltas.bare(old, next, 4096)), "delta", MergeOptions.DEFAULT);
            }
            assertThat(inode(file)).isEqualTo(inode);
            assertThat(other).hasBinaryContent(next);
        }
    }
}
