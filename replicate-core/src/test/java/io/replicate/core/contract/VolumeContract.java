package io.replicate.core.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.posix.Posix;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.FileSlice;
import io.replicate.core.spi.Volume;
import io.replicate.core.spi.Volume.Flag;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The behaviour of every {@link Volume}, besides that of a source ({@link SourceContract}). Extend it, say how yours is
 * made, and run it with JUnit.
 */
@Timeout(240)
public abstract class VolumeContract {
    private static final int SIZE_BYTES = 1 << 20;
    private static final Set<Flag> NONE = Set.of();
    private static final int STEPS = 400;

    private Volume volume;
    private byte[] model = {};

    /** Makes a writable volume of zeros; it is closed behind the test. */
    protected abstract Volume newVolume(long sizeBytes) throws Exception;

    /** Returns the size of the volumes in bytes; override where only some are possible. */
    protected int volumeBytes() {
        return SIZE_BYTES + 512;
    }

    @BeforeEach
    final void openVolume() throws Exception {
        volume = newVolume(volumeBytes());
        model = new byte[volumeBytes()];
    }

    @AfterEach
    final void closeVolume() throws Exception {
        if (volume != null) {
            volume.close();
        }
    }

    private static ByteBuffer buffer(final byte[] bytes, final boolean direct) {
        return direct ? ByteBuffer.allocateDirect(bytes.length).put(bytes).flip() : ByteBuffer.wrap(bytes);
    }

    private byte[] read(final long offset, final int length, final boolean direct) throws IOException {
        final ByteBuffer into = direct ? ByteBuffer.allocateDirect(length) : ByteBuffer.allocate(length);
        volume.read(offset, into);
        assertThat(into.hasRemaining()).isFalse();
        final byte[] bytes = new byte[length];
        into.flip().get(bytes);
        return bytes;
    }

    private void write(final int offset, final byte[] bytes, final Set<Flag> flags, final boolean direct)
            throws IOException {
        final ByteBuffer from = buffer(bytes, direct);
        volume.write(offset, from, flags);
        assertThat(from.hasRemaining()).isFalse();
        System.arraycopy(bytes, 0, model, offset, bytes.length);
    }

    private byte[] random(final Random random, final int length) {
        final byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    @Test
    final void aNewVolumeReadsAsZeros() throws Exception {
        assertThat(volume.geometry().sizeBytes()).isEqualTo(model.length);
        assertThat(volume.readOnly()).isFalse();
        assertThat(read(0, model.length, true)).isEqualTo(model);
    }

    @Test
    final void anySequenceOfRequestsLeavesWhatAModelSays() throws Exception {
        final Random random = Seeds.random(getClass().getSimpleName());
        for (int step = 0; step < STEPS; step++) {
            final int offset = random.nextInt(model.length);
            final int length = Math.min(1 + random.nextInt(40_000), model.length - offset);
            final Set<Flag> fua = random.nextInt(20) == 0 ? EnumSet.of(Flag.FUA) : NONE;
            switch (random.nextInt(6)) {
                case 0, 1 -> write(offset, random(random, length), fua, random.nextBoolean());
                case 2 -> zero(offset, length, fua.isEmpty() && random.nextBoolean() ? EnumSet.of(Flag.NO_HOLE) : fua);
                case 3 -> {
                    volume.trim(offset, length, fua);
                    System.arraycopy(read(offset, length, true), 0, model, offset, length); // any content is right
                }
                case 4 -> volume.cache(offset, length);
                default ->
                    assertThat(read(offset, length, random.nextBoolean()))
                            .as("step %d offset %d", step, offset)
                            .isEqualTo(Arrays.copyOfRange(model, offset, offset + length));
            }
        }
        volume.flush();
        assertThat(read(0, model.length, true)).isEqualTo(model);
        assertThat(Images.readAll(volume)).isEqualTo(model);
    }

    private void zero(final int offset, final int length, final Set<Flag> flags) throws IOException {
        volume.zero(offset, length, flags);
        Arrays.fill(model, offset, offset + length, (byte) 0);
    }

    @Test
    final void aFastZeroHappensOrIsRefusedWithoutAChange() throws Exception {
        final byte[] bytes = new byte[model.length];
        Arrays.fill(bytes, (byte) 5);
        write(0, bytes, NONE, true);

        for (final int length : new int[] {512, 65_536, 262_144}) {
            try {
                volume.zero(65_536, length, EnumSet.of(Flag.FAST));
                Arrays.fill(model, 65_536, 65_536 + length, (byte) 0);
            } catch (final UnsupportedOperationException e) {
                assertThat(e).hasMessageContaining("ENOTSUP");
            }
            assertThat(read(0, model.length, true)).isEqualTo(model);
        }
    }

    @Test
    final void writesOfAnyAlignmentRunAtTheSameTime() throws Exception {
        final Random random = Seeds.random(getClass().getSimpleName());
        final byte[] bytes = random(random, model.length);
        final ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            final List<Future<?>> writers = new ArrayList<>();
            for (int writer = 0; writer < 4; writer++) {
                final int first = writer;
                writers.add(threads.submit(() -> {
                    final int step = 2900; // neighbours share pages and sectors
                    for (int at = first * step; at < bytes.length; at += 4 * step) {
                        final int end = Math.min(at + step, bytes.length);
                        volume.write(at, buffer(Arrays.copyOfRange(bytes, at, end), true), NONE);
                    }
                    return null;
                }));
            }
            for (final Future<?> writer : writers) {
                writer.get(60, TimeUnit.SECONDS);
            }
        } finally {
            threads.shutdownNow();
        }

        assertThat(read(0, bytes.length, true)).isEqualTo(bytes);
    }

    @Test
    final void extentsAreContiguousAndCallOnlyZerosHoles() throws Exception {
        final Random random = Seeds.random(getClass().getSimpleName());
        for (int i = 0; i < 5; i++) {
            final int offset = random.nextInt(model.length - 5000);
            write(offset, random(random, 5000), NONE, true);
        }

        final List<Extent> all = volume.extents(0, model.length, Integer.MAX_VALUE);
        assertContiguous(all, 0);
        assertThat(all.get(all.size() - 1).end()).isEqualTo(model.length);
        final int some = 100_001;
        assertContiguous(volume.extents(some, 300_000, 2), some);
        assertThat(volume.extents(some, 300_000, 2)).hasSizeBetween(1, 2);
    }

    private void assertContiguous(final List<Extent> extents, final long offset) {
        assertThat(extents).isNotEmpty();
        long at = offset;
        for (final Extent extent : extents) {
            assertThat(extent.offset()).isEqualTo(at);
            assertThat(extent.hasData() || Images.isZero(model, (int) extent.offset(), (int) extent.length()))
                    .as("%s is data or zeros", extent)
                    .isTrue();
            at = extent.end();
        }
    }

    @Test
    final void aSliceNamesTheBytesOfTheVolume() throws Exception {
        write(4096, random(Seeds.random(getClass().getSimpleName()), 8192), NONE, true);

        final Optional<FileSlice> slice = volume.slice(4096, 8192);
        if (slice.isPresent()) {
            final ByteBuffer into = ByteBuffer.allocateDirect((int) slice.get().length());
            final Posix posix = Posix.get();
            assertThat(posix.pread(
                            slice.get().fd(),
                            posix.addressOf(into),
                            slice.get().length(),
                            slice.get().offset()))
                    .isEqualTo(8192);
            final byte[] bytes = new byte[8192];
            into.get(bytes);
            assertThat(bytes).isEqualTo(Arrays.copyOfRange(model, 4096, 4096 + 8192));
        }
    }

    @Test
    final void aRangeOutsideIsTheCallersMistake() {
        final long end = model.length;

        assertThatThrownBy(() -> volume.read(end, ByteBuffer.allocate(1))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> volume.read(-1, ByteBuffer.allocate(1))).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> volume.write(end - 1, ByteBuffer.allocate(2), NONE))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> volume.zero(1, end, NONE)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> volume.trim(Long.MAX_VALUE, 1, NONE)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> volume.zero(0, -1, NONE)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    final void requestsOfNoLengthDoNothing() throws Exception {
        volume.read(5, ByteBuffer.allocate(0));
        volume.write(5, ByteBuffer.allocate(0), NONE);
        volume.zero(5, 0, NONE);
        volume.trim(5, 0, NONE);

        assertThat(read(0, model.length, true)).isEqualTo(model);
    }

    @Test
    final void closingTwiceIsClosingOnce() throws Exception {
        volume.close();
        volume.close();
    }
}
