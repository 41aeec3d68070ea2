package io.replicate.core.file;

import io.replicate.core.contract.Images;
import io.replicate.core.contract.SinkContract;
import io.replicate.core.contract.SourceContract;
import io.replicate.core.contract.VolumeContract;
import io.replicate.core.posix.LoopDevice;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;
import io.replicate.core.spi.Volume;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;

/** Block devices, with and without the page cache. */
@Tag("root")
class DeviceTest {
    private static final int DEVICE_BYTES = 4 << 20;
    private static final int IMAGE_BYTES = (2 << 20) + 512;

    @TempDir
    Path state = Path.of("");

    private @Nullable LoopDevice device;

    private Path device(final byte[] content) throws IOException {
        if (device == null) {
            device = LoopDevice.attach(content.length);
            Files.write(device.path(), content);
        }
        return device.path();
    }

    private Path usedDevice() throws IOException {
        final byte[] old = new byte[DEVICE_BYTES];
        Arrays.fill(old, (byte) 0x55);
        return device(old);
    }

    @AfterEach
    void detach() {
        if (device != null) {
            device.close();
        }
    }

    abstract class DeviceSourceContract extends SourceContract {
        @Override
        protected byte[] content(final Random random) {
            return Images.sparse((3 << 20) + 512, random);
        }
    }

    @Nested
    class BufferedSource extends DeviceSourceContract {
        @Override
        protected Source<Extent> newSource(final byte[] content) throws IOException {
            return FileSource.open(device(content), false);
        }
    }

    @Nested
    class DirectSource extends DeviceSourceContract {
        @Override
        protected Source<Extent> newSource(final byte[] content) throws IOException {
            return FileSource.open(device(content), true);
        }
    }

    abstract class DeviceSinkContract extends SinkContract {
        private final boolean direct;

        DeviceSinkContract(final boolean direct) {
            this.direct = direct;
        }

        @Override
        protected Sink<Extent> newSink() throws IOException {
            return new FileSink(usedDevice(), direct, state);
        }

        @Override
        protected Optional<byte[]> stored() throws IOException {
            return Optional.of(Files.readAllBytes(usedDevice()));
        }

        @Override
        protected Committed promise() {
            return Committed.IN_PLACE;
        }

        @Override
        protected boolean resumes() {
            return true;
        }

        @Override
        protected boolean takesAnySize() {
            return false;
        }

        @Override
        protected Target target(final long sizeBytes) {
            return new Target(sizeBytes, Unit.UNKNOWN, true, null, 1, null, false);
        }

        @Override
        protected int imageBytes() {
            return IMAGE_BYTES;
        }
    }

    @Nested
    class BufferedSink extends DeviceSinkContract {
        BufferedSink() {
            super(false);
        }
    }

    @Nested
    class DirectSink extends DeviceSinkContract {
        DirectSink() {
            super(true);
        }
    }

    @Nested
    class BufferedVolume extends VolumeContract {
        @Override
        protected Volume newVolume(final long sizeBytes) throws IOException {
            return FileVolume.open(device(new byte[(int) sizeBytes]), false, FileVolume.Mode.READ_WRITE);
        }
    }

    @Nested
    class DirectVolume extends VolumeContract {
        @Override
        protected Volume newVolume(final long sizeBytes) throws IOException {
            return FileVolume.open(device(new byte[(int) sizeBytes]), true, FileVolume.Mode.READ_WRITE);
        }
    }
}
