package io.replicate.delta;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.job.Throttle;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Volume;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.apply.Deltas;
import io.replicate.delta.apply.MergeOptions;
import io.replicate.delta.apply.Merged;
import io.replicate.delta.cow.Bytes;
import io.replicate.delta.cow.Fixtures;
import io.replicate.delta.cow.Model;
import io.replicate.delta.cow.ResumeToken;
import io.replicate.delta.cow.ResumedOutput;
import io.replicate.delta.frame.FramedOutput;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Deltas merged into real files: resumed, framed, composed, seen through a view, verified. */
class WholeTest {
    private static final Throttle FREE = new Throttle(Throttle.UNLIMITED);
    private static final Cancellation NEVER = new Cancellation();

    @TempDir
    Path dir;

    private final byte[] old = Deltas.image((2 << 20) + 700, 1);
    private final byte[] next = Deltas.change(old, 4096, 200, 2);
    private final byte[] third = Deltas.change(next, 4096, 200, 3);
    private Path file = Path.of("unset");

    @BeforeEach
    void write() throws IOException {
        file = dir.resolve("target.img");
        Files.write(file, old);
    }

    private DeltaTarget open() throws IOException {
        return Targets.open(Locator.file(file.toString()), null, false);
    }

    private Merged merge(final byte[] stream) throws IOException {
        try (DeltaTarget target = open()) {
            return DeltaInput.of(Deltas.in(stream), "stream").merge(target, MergeOptions.DEFAULT, false);
        }
    }

    private byte[] content() throws IOException {
        return Files.readAllBytes(file);
    }

    @Test
    void aSecondWriterIsRefused() throws IOException {
        try (DeltaTarget first = open()) {
            assertThat(first.generation()).isEmpty();
            assertThatThrownBy(this::open).isInstanceOf(ReplicationException.class);
        }
    }

    @Test
    void nothingIsLeftBehindThatIsNotNeeded() throws IOException {
        merge(Deltas.bare(old, next, 4096));
        try (var files = Files.list(dir)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void aCutMergeGoesOnAtTheToken() throws IOException {
        for (final boolean bare : new boolean[] {false, true}) {
            Files.write(file, old);
            final byte[] stream = bare ? Deltas.bare(old, next, 4096) : Deltas.marked(old, next, 4096, "", "");
            assertThatThrownBy(() -> merge(Arrays.copyOf(stream, 300_001))).isInstanceOf(ReplicationException.class);
            final ResumeToken token;
            try (DeltaTarget target = open()) {
                token = ResumeToken.parse(target.position().toString());
            }
            assertThat(token.offset()).isEqualTo(300_001 / 4096 * 4096);
            final ByteArrayOutputStream rest = new ByteArrayOutputStream();
            final ResumedOutput out = new ResumedOutput(Channels.newChannel(rest), token);
            out.write(ByteBuffer.wrap(stream));
            out.finish();
            assertThat(rest.size()).isEqualTo(stream.length - (int) token.offset() + ResumeToken.LENGTH);

            merge(rest.toByteArray());

            assertThat(content()).isEqualTo(next);
        }
    }

    @Test
    void anotherStreamIsNotContinued() throws IOException {
        final byte[] stream = Deltas.marked(old, next, 4096, "", "");
        assertThatThrownBy(() -> merge(Arrays.copyOf(stream, 300_000))).isInstanceOf(ReplicationException.class);
        final ResumeToken token;
        try (DeltaTarget target = open()) {
            token = target.position();
        }
        final ResumedOutput out = new ResumedOutput(Channels.newChannel(new ByteArrayOutputStream()), token);
        final byte[] other = Deltas.marked(old, third, 4096, "", "");
        assertThatThrownBy(() -> out.write(ByteBuffer.wrap(other))).hasMessageContaining("extract again");
    }

    @Test
    void aFramedStreamIsSmallerAndTheSame() throws IOException {
        final byte[] zeroed = old.clone();
        Arrays.fill(zeroed, 100_000, 1_500_000, (byte) 0);
        final byte[] stream = Deltas.marked(old, zeroed, 4096, "", "");
        final ByteArrayOutputStream framed = new ByteArrayOutputStream();
        final FramedOutput out = new FramedOutput(Channels.newChannel(framed));
        out.write(ByteBuffer.wrap(stream));
        out.finish();

        assertThat(framed.size()).isLessThan(stream.length / 4);
        merge(framed.toByteArray());
        assertThat(content()).isEqualTo(zeroed);
    }

    @Test
    void aFramedStreamThatIsCutOrChangedIsRefused() throws IOException {
        final ByteArrayOutputStream framed = new ByteArrayOutputStream();
        final FramedOutput out = new FramedOutput(Channels.newChannel(framed));
        out.write(ByteBuffer.wrap(Deltas.marked(old, next, 4096, "", "")));
        out.finish();
        final byte[] good = framed.toByteArray();
        for (int at = 0; at < good.length; at += 9973) {
            final byte[] bad = good.clone();
            bad[at] ^= 4;
            assertThatThrownBy(() -> merge(bad)).isInstanceOf(ReplicationException.class);
            final byte[] cut = Arrays.copyOf(good, at);
            assertThatThrownBy(() -> merge(cut)).isInstanceOf(ReplicationException.class);
        }
        assertThat(content()).isEqualTo(old);
    }

    @Test
    void twoDeltasComposedAreOne() throws IOException {
        final byte[] a = Deltas.marked(old, next, 4096, "g0", "g1");
        final byte[] b = Deltas.marked(next, third, 8192, "g1", "g2");
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        new Compose(List.of(Compose.Delta.open(new Bytes(a), "a", false), Compose.Delta.open(new Bytes(b), "b", false)))
                .write(Channels.newChannel(out), false);

        final Merged merged = merge(out.toByteArray());

        assertThat(content()).isEqualTo(third);
        assertThat(merged.generation()).isEqualTo("g2");
        assertThatThrownBy(() -> new Compose(List.of(
                                Compose.Delta.open(new Bytes(b), "b", false),
                                Compose.Delta.open(new Bytes(a), "a", false)))
                        .write(Channels.newChannel(new ByteArrayOutputStream()), false))
                .hasMessageContaining("oldest first");
    }

    @Test
    void aViewShowsTheBaseWithTheStoreOverIt() throws IOException {
        final Path base = dir.resolve("base8.img");
        final Path cow = dir.resolve("E257.cow.img");
        Files.write(base, Fixtures.image("base8.img"));
        Files.write(cow, Fixtures.image("E257.cow.img"));
        final byte[] expected = Model.merge(Fixtures.image("base8.img"), Fixtures.image("E257.cow.img"));
        try (Volume view = Providers.volume(Locator.parse("delta:" + base + "?cow=" + cow))) {
            final ByteBuffer all = ByteBuffer.allocate(expected.length);
            view.read(0, all);
            assertThat(all.array()).isEqualTo(expected);
            final ByteBuffer some = ByteBuffer.allocate(10_001);
            view.read(777_777, some);
            assertThat(some.array()).isEqualTo(Arrays.copyOfRange(expected, 777_777, 787_778));
            assertThat(view.readOnly()).isTrue();
        }
        try (Volume view = Providers.volume(Locator.parse("delta:" + base))) {
            final ByteBuffer all = ByteBuffer.allocate(expected.length);
            view.read(0, all);
            assertThat(all.array()).isEqualTo(Fixtures.image("base8.img"));
        }
    }

    @Test
    void theRecordedTreeFollowsEveryMergeAndFindsWhatOthersWrote() throws IOException {
        try (DeltaTarget target = open()) {
            new Verification(target, FREE, NEVER).record();
        }
        merge(Deltas.marked(old, next, 4096, "g0", "g1"));
        merge(Deltas.marked(next, third, 512, "g1", "g2"));
        final List<Long> bad = new ArrayList<>();
        try (DeltaTarget target = open()) {
            assertThat(new Verification(target, FREE, NEVER).scrub((offset, length) -> bad.add(offset)))
                    .isZero();
        }
        final byte[] damaged = third.clone();
        damaged[1_000_000] ^= 1;
        Files.write(file, damaged);
        try (DeltaTarget target = open()) {
            assertThat(new Verification(target, FREE, NEVER).scrub((offset, length) -> bad.add(offset)))
                    .isOne();
        }
        assertThat(bad).containsExactly(1_000_000L / 4096 * 4096);
    }

    @Test
    void anyImageSizeHasATree() throws IOException {
        for (final int size : new int[] {0, 1, 4096, 4097, 256 * 4096, 256 * 4096 + 1}) {
            final byte[] image = Deltas.image(size, size);
            try (var tree = Verification.treeOf(new Bytes(image), size, FREE, NEVER);
                    var same = Verification.treeOf(new Bytes(image), size, FREE, NEVER)) {
                assertThat(io.replicate.delta.tree.TreeDiff.compare(tree, same, (offset, length) -> {}))
                        .isTrue();
            }
        }
    }
}
