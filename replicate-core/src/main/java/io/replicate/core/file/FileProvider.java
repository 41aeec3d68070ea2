package io.replicate.core.file;

import io.replicate.core.posix.NativeFile;
import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Provider;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Sizes;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Unit;
import io.replicate.core.spi.Volume;
import io.replicate.core.stream.StreamSink;
import io.replicate.core.stream.StreamSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/**
 * Makes the backends of {@code file:PATH} and of bare paths: files, block devices, FIFOs and character devices.
 *
 * <ul>
 *   <li>{@code direct=true} goes around the page cache (files and block devices), {@code direct=false} never does. The
 *       default for sources and sinks is to do so for devices and for large files.
 *   <li>{@code size=10G}: of a stream that is read, the length to expect; of a volume, the size of the sparse file to make
 *       if there is none.
 *   <li>{@code state=DIR}: where a sink remembers what a device holds, to go on after an interruption (default
 *       {@code /var/lib/replicate}).
 *   <li>{@code readonly=true} opens a volume for reading; {@code force=true} opens a device that the system uses.
 * </ul>
 */
public final class FileProvider implements Provider {
    private static final String DIRECT = "direct";
    private static final String SIZE = "size";
    private static final String READONLY = "readonly";
    private static final String STATE = "state";
    private static final String FORCE = "force";

    /** Creates the provider; for {@link java.util.ServiceLoader}. */
    public FileProvider() {}

    @Override
    public Set<String> schemes() {
        return Set.of("file");
    }

    @Override
    public Optional<Source<?>> source(final Locator locator) throws IOException {
        final Path path = Path.of(locator.rest());
        if (TargetPath.kindOf(path) == TargetPath.Kind.STREAM) {
            locator.allowOnly(SIZE);
            return Optional.of(StreamSource.open(path, size(locator)));
        }
        locator.allowOnly(DIRECT);
        return Optional.of(FileSource.open(path, DirectIo.of(locator)));
    }

    @Override
    public Optional<Sink<?>> sink(final Locator locator) throws IOException {
        final Path path = Path.of(locator.rest());
        if (locator.rest().endsWith("/") && !Files.isDirectory(path)) {
            throw ReplicationException.misuse(
                    locator.rest() + ": there is no such directory; leave the slash out to name a file");
        }
        if (TargetPath.kindOf(path) == TargetPath.Kind.STREAM) {
            locator.allowOnly();
            return Optional.of(StreamSink.open(path));
        }
        locator.allowOnly(DIRECT, STATE);
        final Path state = locator.parameter(STATE).map(Path::of).orElse(FileSink.DEFAULT_STATE);
        return Optional.of(new FileSink(path, DirectIo.of(locator), state));
    }

    @Override
    public Optional<Volume> volume(final Locator locator) throws IOException {
        locator.allowOnly(DIRECT, SIZE, READONLY, FORCE);
        final Path path = Path.of(locator.rest());
        final long sizeBytes = size(locator);
        final boolean readOnly = locator.flag(READONLY);
        if (sizeBytes != Unit.UNKNOWN && !readOnly && TargetPath.kindOf(path) == TargetPath.Kind.ABSENT) {
            make(path, sizeBytes);
        }
        final FileVolume.Mode mode = readOnly
                ? FileVolume.Mode.READ_ONLY
                : locator.flag(FORCE) ? FileVolume.Mode.READ_WRITE_FORCED : FileVolume.Mode.READ_WRITE;
        final FileVolume volume = FileVolume.open(path, locator.flag(DIRECT), mode);
        if (sizeBytes != Unit.UNKNOWN && sizeBytes != volume.geometry().sizeBytes()) {
            try (volume) {
                throw ReplicationException.misuse(path + ": has "
                        + volume.geometry().sizeBytes() + " bytes, not " + sizeBytes + "; leave the size out");
            }
        }
        return Optional.of(volume);
    }

    private static void make(final Path path, final long sizeBytes) throws IOException {
        try (NativeFile file = Opening.open(
                path, false, NativeFile.Option.WRITE, NativeFile.Option.CREATE, NativeFile.Option.EXCLUSIVE)) {
            file.truncate(sizeBytes);
            file.sync();
        }
    }

    private static long size(final Locator locator) throws ReplicationException {
        final Optional<String> size = locator.parameter(SIZE);
        return size.isEmpty() ? Unit.UNKNOWN : Sizes.parse("locator '" + locator + "': " + SIZE, size.get());
    }

    @Override
    public Optional<Checkpoint> checkpoint(final Locator locator) throws IOException {
        locator.allowOnly();
        final Path path = Path.of(locator.rest());
        final boolean directory = locator.rest().endsWith("/") || Files.isDirectory(path);
        return Optional.of(directory ? FileCheckpoint.inDirectory(path) : FileCheckpoint.inFile(path));
    }
}
