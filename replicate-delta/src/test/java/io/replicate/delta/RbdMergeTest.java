package io.replicate.delta;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.Locator;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.apply.Deltas;
import io.replicate.delta.apply.MergeOptions;
import io.replicate.delta.apply.Merged;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** rbd diffs written by hand from "RBD Incremental Backup", and what is refused of them. */
class RbdMergeTest {
    private static final int SIZE = 20_000;

    @TempDir
    Path dir;

    private Path file = Path.of("unset");
    private final byte[] old = Deltas.image(SIZE, 1);
    private final ByteBuffer diff = ByteBuffer.allocate(100_000)
            .order(ByteOrder.LITTLE_ENDIAN)
            .put("rbd diff v1\n".getBytes(StandardCharsets.US_ASCII));

    @BeforeEach
    void write() throws IOException {
        file = Files.write(dir.resolve("target.img"), old);
    }

    private RbdMergeTest name(final char tag, final String name) {
        diff.put((byte) tag).putInt(name.length()).put(name.getBytes(StandardCharsets.US_ASCII));
        return this;
    }

    private RbdMergeTest size(final long bytes) {
        diff.put((byte) 's').putLong(bytes);
        return this;
    }

    private RbdMergeTest data(final long offset, final int length) {
        final byte[] data = new byte[length];
        Arrays.fill(data, (byte) 7);
        diff.put((byte) 'w').putLong(offset).putLong(length).put(data);
        return this;
    }

    private Merged merge() throws IOException {
        final byte[] all = Arrays.copyOf(diff.duplicate().put((byte) 'e').array(), diff.position() + 1);
        try (DeltaTarget target = Targets.open(Locator.file(file.toString()), null, false)) {
            return DeltaInput.of(Deltas.in(all), "diff").merge(target, MergeOptions.DEFAULT, false);
        }
    }

    private void refused(final String message) throws IOException {
        assertThatThrownBy(this::merge).hasMessageContaining(message);
        assertThat(Files.readAllBytes(file)).isEqualTo(old);
    }

    @Test
    void partsOfChunksAreMergedUpToTheLastByte() throws IOException {
        final Merged merged = size(SIZE).data(5, 10).data(SIZE - 1, 1).merge();
        final byte[] want = old.clone();
        Arrays.fill(want, 5, 15, (byte) 7);
        want[SIZE - 1] = 7;
        assertThat(Files.readAllBytes(file)).isEqualTo(want);
        assertThat(merged.notes()).containsExactly("the base could not be checked: the delta names none");
    }

    @Test
    void theBaseThatTheDiffNamesIsNotCalledMissing() throws IOException {
        final Merged merged =
                name('f', "s1").name('t', "s2").size(SIZE).data(5, 10).merge();
        assertThat(merged.notes())
                .containsExactly("the base could not be checked: the target's generation is not known");
        assertThat(merged.generation()).isEqualTo("s2");
    }

    @Test
    void dataBehindTheEndOfTheImageIsNotLeftOut() throws IOException {
        size(SIZE).data(5, 10).data(SIZE - 1, 2).refused("the image ends at 20000");
    }

    @Test
    void dataBehindTheEndOfTheTargetIsNotLeftOut() throws IOException {
        data(5, 10).data(SIZE + 4096, 2).refused("the image ends at 20000");
    }

    @Test
    void aDiffOfALargerImageIsRefusedBeforeItsData() throws IOException {
        size(SIZE + 1).refused("make it larger first");
    }
}
