package io.replicate.core.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.Extent;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class AlignedPlanTest {

    private static List<Extent> aligned(final List<Extent> extents, final int alignment, final long size)
            throws IOException {
        final AlignedPlan plan = new AlignedPlan(MemorySource.planOf(extents), alignment, size);
        final List<Extent> found = new ArrayList<>();
        for (Extent extent = plan.next(); extent != null; extent = plan.next()) {
            found.add(extent);
        }
        return found;
    }

    @Property
    void theSameBytesAreCoveredInAlignedPiecesAndNoDataIsTakenForAHole(
            @ForAll final long seed, @ForAll @IntRange(min = 1, max = 3000) final int size) throws IOException {
        final Random random = new Random(seed);
        final int alignment = 1 << random.nextInt(8);
        final List<Extent> extents = new ArrayList<>();
        for (int at = 0; at < size; ) {
            final int n = Math.min(size - at, 1 + random.nextInt(300));
            extents.add(new Extent(at, n, Extent.Kind.values()[random.nextInt(3)]));
            at += n;
        }

        long at = 0;
        for (final Extent extent : aligned(extents, alignment, size)) {
            assertThat(extent.offset()).isEqualTo(at);
            assertThat(extent.offset() % alignment).isZero();
            assertThat(extent.end() % alignment == 0 || extent.end() == size).isTrue();
            if (!extent.hasData()) {
                assertThat(extents)
                        .filteredOn(e -> e.offset() < extent.end() && e.end() > extent.offset())
                        .allMatch(e -> e.kind() == extent.kind());
            }
            at = extent.end();
        }
        assertThat(at).isEqualTo(size);
    }

    @Test
    void rangesThatDoNotLieOnTheAlignmentAreRefused() {
        for (final List<Extent> extents : List.of(
                List.of(Extent.data(100, 412)),
                List.of(Extent.data(0, 100), Extent.data(512, 512)),
                List.of(Extent.data(0, 512), Extent.data(700, 324)),
                List.of(Extent.data(0, 700)))) {
            assertThatThrownBy(() -> aligned(extents, 512, 4096))
                    .as("%s", extents)
                    .hasMessageContaining("multiples of 512")
                    .satisfies(e -> assertThat(ReplicationException.categoryOf(e))
                            .isEqualTo(ReplicationException.Category.MISUSE));
        }
    }

    @Test
    void theEndOfTheVolumeNeedNotBeAligned() throws IOException {
        assertThat(aligned(List.of(Extent.data(0, 512), Extent.hole(512, 188)), 512, 700))
                .containsExactly(Extent.data(0, 512), Extent.hole(512, 188));
    }
}
