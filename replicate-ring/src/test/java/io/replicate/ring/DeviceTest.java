package io.replicate.ring;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.contract.Seeds;
import io.replicate.core.posix.LoopDevice;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rings whose targets are block devices. */
@Tag("root")
@Timeout(240)
class DeviceTest {
    private static final int SIZE_BYTES = 4 << 20;

    private final Random random = Seeds.random("DeviceTest");
    private final byte[] image = new byte[SIZE_BYTES];

    @TempDir
    private Path directory;

    private static byte[] read(final Path device) throws Exception {
        try (var in = Files.newInputStream(device)) {
            return in.readNBytes(SIZE_BYTES);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aDeviceIsGoneOnWithWhileItHoldsWhatWasWritten(final boolean untouched) throws Exception {
        random.nextBytes(image);
        Arrays.fill(image, 300_000, 900_000, (byte) 0);
        try (LoopDevice device = LoopDevice.attach(SIZE_BYTES);
                TestRing ring = new TestRing(directory)) {
            final GatedSource source = new GatedSource(image, SIZE_BYTES / 2, false);
            ring.join(n -> n.force(true));
            ring.serve(source, device.path().toString(), s -> s.force(true));
            ring.awaitReceived(1, SIZE_BYTES / 2 - 2L * TestRing.BLOCK_BYTES);
            ring.node(1).kill();
            source.openAll();
            assertThat(ring.reports().get(0).state()).isEqualTo(NodeState.LOST);
            if (!untouched) {
                try (RandomAccessFile other = new RandomAccessFile(device.path().toFile(), "rw")) {
                    other.seek(1000);
                    other.write(1);
                    other.getFD().sync();
                }
            }
            ring.node(1).restart(n -> n.force(true));
            ring.serve(
                    new GatedSource(image, Long.MAX_VALUE, false), device.path().toString(), s -> s.force(true));

            final NodeReport report = ring.reports().get(0);
            assertThat(report.state()).as("%s %s", report, ring.events).isEqualTo(NodeState.DONE);
            assertThat(report.atomic()).isFalse();
            assertThat(report.resumedFrom() > 0).isEqualTo(untouched);
            assertThat(Arrays.equals(read(device.path()), image)).isTrue();
        }
    }

    @Test
    void anImageGoesOverADeviceOnlyWhenBothSidesForceIt() throws Exception {
        try (LoopDevice device = LoopDevice.attach(SIZE_BYTES);
                TestRing ring = new TestRing(directory)) {
            ring.join(1);
            ring.serve(
                    new GatedSource(image, Long.MAX_VALUE, false), device.path().toString(), options -> {});
            assertThat(ring.reports().get(0).reason()).contains("is a block device and the source is not");
            ring.serve(
                    new GatedSource(image, Long.MAX_VALUE, false), device.path().toString(), s -> s.force(true));
            assertThat(ring.reports().get(0).reason()).contains("join with --force to allow it");
        }
    }

    @Test
    void aDeviceThatIsTooSmallIsRefusedBeforeTheFirstByte() throws Exception {
        try (LoopDevice device = LoopDevice.attach(SIZE_BYTES / 2);
                TestRing ring = new TestRing(directory)) {
            ring.join(n -> n.force(true));
            ring.serve(
                    new GatedSource(image, Long.MAX_VALUE, false), device.path().toString(), s -> s.force(true));
            assertThat(ring.reports().get(0).state()).isEqualTo(NodeState.FAILED);
            assertThat(ring.reports().get(0).reason()).contains("name a larger device");
        }
    }
}
