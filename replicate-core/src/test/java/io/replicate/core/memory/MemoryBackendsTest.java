package io.replicate.core.memory;

import io.replicate.core.contract.CheckpointContract;
import io.replicate.core.contract.SinkContract;
import io.replicate.core.contract.SourceContract;
import io.replicate.core.contract.VolumeContract;
import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Nested;

class MemoryBackendsTest {

    @Nested
    class MemSource extends SourceContract {
        @Override
        protected Source<Extent> newSource(final byte[] content) {
            final MemoryVolume volume = new MemoryVolume("source", content.length);
            for (int at = 0; at < content.length; at += Pages.PAGE_BYTES) {
                final ByteBuffer page = ByteBuffer.wrap(content, at, Math.min(Pages.PAGE_BYTES, content.length - at));
                if (page.mismatch(ByteBuffer.allocate(page.remaining())) >= 0) {
                    volume.write(at, page, Set.of());
                }
            }
            return volume;
        }
    }

    @Nested
    class Zeros extends SourceContract {
        @Override
        protected byte[] content(final Random random) {
            return new byte[2_000_001];
        }

        @Override
        protected Source<Extent> newSource(final byte[] content) {
            return new ZeroSource("zero:", content.length, false);
        }
    }

    @Nested
    class ZerosAsData extends SourceContract {
        @Override
        protected byte[] content(final Random random) {
            return new byte[2_000_001];
        }

        @Override
        protected Source<Extent> newSource(final byte[] content) {
            return new ZeroSource("zero:", content.length, true);
        }
    }

    @Nested
    class MemSink extends SinkContract {
        private final MemoryStore store = new MemoryStore();

        @Override
        protected Sink<Extent> newSink() {
            return store.sink("target");
        }

        @Override
        protected Optional<byte[]> stored() throws IOException {
            final Optional<MemoryVolume> volume = store.find("target");
            if (volume.isEmpty()) {
                return Optional.empty();
            }
            final ByteBuffer all =
                    ByteBuffer.allocate((int) volume.get().geometry().sizeBytes());
            volume.get().read(0, all);
            return Optional.of(all.array());
        }

        @Override
        protected Committed promise() {
            return Committed.ATOMIC;
        }

        @Override
        protected boolean resumes() {
            return true;
        }
    }

    @Nested
    class MemVolume extends VolumeContract {
        @Override
        protected Volume newVolume(final long sizeBytes) {
            return new MemoryVolume("volume", sizeBytes);
        }
    }

    @Nested
    class MemCheckpoint extends CheckpointContract {
        private final MemoryCheckpoint checkpoint = new MemoryCheckpoint();

        @Override
        protected Checkpoint open() {
            return checkpoint;
        }
    }
}
