package io.replicate.core.job;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Stored;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Volume;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Writes a copy into an open volume, in place. */
public final class VolumeSink implements Sink<Extent> {
    private final Volume volume;
    private final boolean owning;

    private VolumeSink(final Volume volume, final boolean owning) {
        this.volume = volume;
        this.owning = owning;
    }

    /** Returns the sink of a volume that stays its owner's to close. */
    public static VolumeSink borrowing(final Volume volume) {
        return new VolumeSink(volume, false);
    }

    /** Returns the sink of a volume that is closed with it. */
    public static VolumeSink owning(final Volume volume) {
        return new VolumeSink(volume, true);
    }

    @Override
    public Geometry geometry() {
        return volume.geometry();
    }

    @Override
    public Session<Extent> begin(final Target target) throws IOException {
        if (volume.readOnly()) {
            throw ReplicationException.misuse("the target volume is read-only");
        }
        final Geometry shape = volume.geometry();
        if (shape.sized() && target.sizeBytes() > shape.sizeBytes()) {
            throw ReplicationException.misuse("the target volume has " + shape.sizeBytes() + " bytes, the source has "
                    + target.sizeBytes() + ": take a larger one");
        }
        return new InPlace();
    }

    @Override
    public void close() throws IOException {
        if (owning) {
            volume.close();
        }
    }

    private final class InPlace implements Session<Extent> {

        /** A volume says nothing about who wrote it before. */
        @Override
        public boolean resumed() {
            return false;
        }

        @Override
        public boolean keepsKeys() {
            return false;
        }

        @Override
        public Stored write(final Extent extent, final @Nullable Block from) throws IOException {
            switch (extent.kind()) {
                case DATA -> {
                    if (from == null) {
                        throw new IllegalArgumentException("data without a block: " + extent);
                    }
                    volume.write(extent.offset(), from.bytes(), Set.of());
                }
                case ZERO -> volume.zero(extent.offset(), extent.length(), Set.of(Volume.Flag.NO_HOLE));
                case HOLE -> volume.zero(extent.offset(), extent.length(), Set.of());
            }
            return Stored.ONCE;
        }

        @Override
        public void flush() throws IOException {
            volume.flush();
        }

        @Override
        public Committed commit(final Revision revision) throws IOException {
            volume.flush();
            return Committed.IN_PLACE;
        }

        @Override
        public Optional<Source<Extent>> readBack() {
            return Optional.of(volume);
        }

        @Override
        public void close() {}
    }
}
