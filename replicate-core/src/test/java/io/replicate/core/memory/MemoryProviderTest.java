package io.replicate.core.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.Progress;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Volume;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryProviderTest {
    private static Locator locator(final String text) throws ReplicationException {
        return Locator.parse(text);
    }

    @Test
    void aNamedVolumeIsTheSameForWhoeverOpensIt() throws Exception {
        try (Volume one = Providers.volume(locator("mem:shared-volume?size=1M"));
                Volume other = Providers.volume(locator("mem:shared-volume"))) {
            one.write(5, ByteBuffer.wrap(new byte[] {42}), Set.of());
            final ByteBuffer into = ByteBuffer.allocate(1);
            other.read(5, into);
            assertThat(into.get(0)).isEqualTo((byte) 42);
        }
        MemoryStore.shared().remove("shared-volume");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "mem:nobody-made-this",
                "mem:x?size=none",
                "mem:x?size=1M&color=red",
                "zero:",
                "zero:name?size=1M",
                "null:name",
                "null:?size=1"
            })
    void whatCannotBeMeantIsMisuse(final String text) {
        assertThatThrownBy(() -> Providers.source(locator(text)))
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.MISUSE))
                .hasMessageContaining("locator '" + text + "'");
    }

    @Test
    void aVolumeOfAnotherSizeIsMisuse() throws Exception {
        Providers.volume(locator("mem:sized-volume?size=1M")).close();

        assertThatThrownBy(() -> Providers.volume(locator("mem:sized-volume?size=2M")))
                .hasMessageContaining("exists with 1048576 bytes");
        MemoryStore.shared().remove("sized-volume");
    }

    @Test
    void aTebibyteOfNothingCostsNothing() {
        final MemoryVolume volume = new MemoryVolume("huge", 1L << 40);
        volume.write(1L << 39, ByteBuffer.wrap(new byte[] {1}), Set.of());

        final List<Extent> extents = volume.extents(0, 1L << 40, Integer.MAX_VALUE);
        assertThat(extents)
                .containsExactly(
                        Extent.hole(0, 1L << 39),
                        Extent.data(1L << 39, Pages.PAGE_BYTES),
                        Extent.hole((1L << 39) + Pages.PAGE_BYTES, (1L << 39) - Pages.PAGE_BYTES));
        volume.zero(0, 1L << 40, Set.of());
        assertThat(volume.extents(0, 1L << 40, 2)).containsExactly(Extent.hole(0, 1L << 40));
    }

    @Test
    void aZeroedRangeThatKeepsItsSpaceIsNoHole() {
        final MemoryVolume volume = new MemoryVolume("kept", 1 << 20);
        volume.zero(0, 1 << 19, Set.of(Volume.Flag.NO_HOLE));

        assertThat(volume.extents(0, 1 << 20, 2))
                .containsExactly(Extent.data(0, 1 << 19), Extent.hole(1 << 19, 1 << 19));
    }

    @Test
    void theNullSinkCounts() throws Exception {
        final NullSink sink = new NullSink();
        final Block block = Block.unpooled(512);
        block.length(512);
        try (Session<Extent> session = sink.begin(Target.ofSize(1 << 20))) {
            session.write(Extent.data(0, 512), block);
            session.write(Extent.hole(512, 1000), null);
            session.write(Extent.zero(1512, 5), null);
            session.commit(Revision.NONE);
        } finally {
            block.release();
        }

        assertThat(sink.dataBytes()).isEqualTo(512);
        assertThat(sink.zeroBytes()).isEqualTo(1005);
    }

    @Test
    void theNullSourceIsEmptyAndZerosAreToldAsAsked() throws Exception {
        assertThat(firstOf("null:")).isNull();
        assertThat(firstOf("zero:?size=1G")).isEqualTo(Extent.zero(0, 1 << 30));
        assertThat(firstOf("zero:?size=1G&data=true")).isEqualTo(Extent.data(0, 1 << 30));
    }

    private static Object firstOf(final String text) throws Exception {
        try (var source = Providers.source(locator(text));
                Plan<?> plan = source.plan(Selection.ALL)) {
            return plan.next();
        }
    }

    @Test
    void aNamedCheckpointIsTheSameForWhoeverOpensIt() throws Exception {
        final JobId job = new JobId("named");
        Providers.checkpoint(locator("mem:checkpoints")).commit(job, new Progress(Map.of("a", new byte[] {1})));

        assertThat(Providers.checkpoint(locator("mem:checkpoints")).load(job)).isPresent();
        Providers.checkpoint(locator("mem:checkpoints")).forget(job);
    }
}
