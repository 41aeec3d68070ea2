package io.replicate.delta;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.job.Throttle;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Locator;
import io.replicate.delta.apply.Cloner;
import io.replicate.delta.apply.Companion;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.apply.Deltas;
import io.replicate.delta.apply.MergeOptions;
import io.replicate.delta.apply.NativeStateDirectory;
import io.replicate.delta.apply.TargetImage;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A full copy, and the hash tree that is made of what it reads. */
class FullCopyTest {
    @TempDir
    Path dir;

    private Path source() throws IOException {
        final Path source = dir.resolve("source.img");
        try (RandomAccessFile file = new RandomAccessFile(source.toFile(), "rw")) {
            file.write(Deltas.image(300_000, 1));
            file.seek(5_000_001); // a hole before it, and no leaf begins here
            file.write(Deltas.image(1_234_567, 2));
            file.setLength(8_000_003);
        }
        return source;
    }

    private DeltaTarget open(final Path target) throws IOException {
        return Targets.open(Locator.file(target.toString()), null, false);
    }

    private void copy(final Path source, final Path target, final String generation) throws IOException {
        new FullCopy(Locator.file(target.toString()), null, false)
                .run(Locator.file(source.toString()), generation, Throttle.UNLIMITED);
    }

    private void assertProven(final Path target, final String generation) throws IOException {
        final List<Long> bad = new ArrayList<>();
        try (DeltaTarget opened = open(target)) {
            assertThat(opened.generation()).isEqualTo(generation);
            new Verification(opened, new Throttle(Throttle.UNLIMITED), new Cancellation())
                    .scrub((offset, length) -> bad.add(offset));
        }
        assertThat(bad).isEmpty();
    }

    @Test
    void theTreeIsThatOfTheCopyHolesAndAll() throws IOException {
        final Path source = source();
        final Path target = dir.resolve("target.img");
        copy(source, target, "g1");
        assertThat(Files.mismatch(source, target)).isEqualTo(-1);
        assertProven(target, "g1");
    }

    @Test
    void anEmptySourceHasATreeToo() throws IOException {
        final Path source = Files.createFile(dir.resolve("empty.img"));
        final Path target = dir.resolve("target.img");
        copy(source, target, "g1");
        assertProven(target, "g1");
    }

    @Test
    void whatWasCommittedBeforeIsNotReplayedOverTheCopy() throws IOException {
        final byte[] old = Deltas.image(8_000_003, 5);
        final Path target = dir.resolve("target.img");
        Files.write(target, old);
        leaveCommitted(target, Deltas.marked(old, Deltas.change(old, 4096, 50, 6), 4096, "g7", "g8"));
        final Path source = source();
        copy(source, target, "g1");
        assertThat(Files.mismatch(source, target)).isEqualTo(-1);
        assertProven(target, "g1");
    }

    /** Commits a delta, and fails before a byte of it is in the target. */
    private void leaveCommitted(final Path target, final byte[] delta) throws IOException {
        final TargetImage image = Images.target(Locator.file(target.toString()), false);
        final TargetImage dying = new TargetImage() {
            @Override
            public long size() throws IOException {
                return image.size();
            }

            @Override
            public void read(final long offset, final ByteBuffer into) throws IOException {
                image.read(offset, into);
            }

            @Override
            public void write(final long offset, final ByteBuffer from) throws IOException {
                throw new IOException("the power failed");
            }

            @Override
            public void flush() {}

            @Override
            public void close() throws IOException {
                image.close();
            }
        };
        final NativeStateDirectory directory =
                NativeStateDirectory.open(StatePlace.of(Locator.file(target.toString()), null));
        try (DeltaTarget opened = DeltaTarget.open(dying, directory, Companion.NONE, Cloner.NONE)) {
            assertThatThrownBy(() -> opened.merge(Deltas.in(delta), "delta", MergeOptions.DEFAULT))
                    .hasMessageContaining("the power failed");
        }
    }

    @Test
    void aCopyThatIsCutIsRemembered() throws IOException {
        final byte[] old = Deltas.image(100_000, 5);
        final Path target = dir.resolve("target.img");
        Files.write(target, old);
        final Path source = source();
        try (DeltaTarget opened = open(target)) {
            opened.replacing("g1");
        }
        try (DeltaTarget opened = open(target)) {
            assertThat(opened.torn()).isTrue();
            final byte[] delta = Deltas.bare(old, Deltas.change(old, 4096, 5, 6), 4096);
            assertThatThrownBy(() -> opened.merge(Deltas.in(delta), "delta", MergeOptions.DEFAULT))
                    .hasMessageContaining("mixture");
        }
        copy(source, target, "g1");
        assertProven(target, "g1");
    }

    @Test
    void everySocketHasAStateOfItsOwn() throws IOException {
        final Path a = StatePlace.of(Locator.parse("nbd+unix:///?socket=/run/a"), dir);
        final Path b = StatePlace.of(Locator.parse("nbd+unix:///?socket=/run/b"), dir);
        assertThat(a).isNotEqualTo(b);
        assertThat(a.getParent()).isEqualTo(dir);
    }
}
