package io.replicate.nbd.bitmap;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.memory.MemoryVolume;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Selection;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TrackedVolumeTest {
    private static final int SIZE = 10 * 65536 + 100;

    private final TrackedVolume volume = new TrackedVolume(new MemoryVolume("t", SIZE));

    @Test
    void writesZeroesAndTrimsAreMarkedInEveryBitmap() throws Exception {
        final DirtyBitmap fine = volume.add("fine", 4096);
        final DirtyBitmap coarse = volume.add("coarse", 65536);

        volume.write(5000, ByteBuffer.wrap(new byte[10]), Set.of());
        volume.zero(2 * 65536, 1, Set.of());
        volume.trim(SIZE - 1, 1, Set.of());

        assertThat(fine.runs(0, SIZE, 100))
                .containsExactly(
                        Extent.hole(0, 4096),
                        Extent.data(4096, 4096),
                        Extent.hole(8192, 2 * 65536 - 8192),
                        Extent.data(2 * 65536, 4096),
                        Extent.hole(2 * 65536 + 4096, 8 * 65536 - 4096),
                        Extent.data(10 * 65536, 100));
        assertThat(coarse.dirtyBytes()).isEqualTo(2 * 65536 + 100);
    }

    @Test
    void clearedBitmapsBeginAgain() throws Exception {
        final DirtyBitmap bitmap = volume.add("b", 65536);
        volume.write(0, ByteBuffer.wrap(new byte[1]), Set.of());

        bitmap.clear();

        assertThat(bitmap.dirtyBytes()).isZero();
        assertThat(bitmap.runs(0, SIZE, 10)).containsExactly(Extent.hole(0, SIZE));
    }

    @Test
    void aSelectionByBitmapPlansWhatItMarks() throws Exception {
        volume.add("b", 65536);
        volume.write(65536, ByteBuffer.wrap(new byte[] {1}), Set.of());

        final List<Extent> planned = new ArrayList<>();
        try (Plan<Extent> plan = volume.plan(new Selection.Bitmap("b"))) {
            for (Extent e = plan.next(); e != null; e = plan.next()) {
                planned.add(e);
            }
        }

        assertThat(planned).containsExactly(Extent.data(65536, 65536));
    }

    @Test
    void wrongNamesAndGranularitiesAreRefused() throws Exception {
        volume.add("b", 65536);

        assertThatThrownBy(() -> volume.add("b", 65536)).isInstanceOf(ReplicationException.class);
        assertThatThrownBy(() -> volume.add("a b", 65536)).isInstanceOf(ReplicationException.class);
        assertThatThrownBy(() -> volume.add("c", 1000)).isInstanceOf(ReplicationException.class);
        assertThatThrownBy(() -> volume.plan(new Selection.Bitmap("nope"))).isInstanceOf(ReplicationException.class);
        assertThat(volume.remove("b")).isTrue();
        assertThat(volume.remove("b")).isFalse();
    }
}
