package io.replicate.core.file;

import io.replicate.core.posix.NativeFile;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A regular file or block device as target. A file is written beside its final name and renamed over it on commit
 * (ATOMIC); a device is written where it is (IN_PLACE). Nothing is touched before {@link #begin(Target)}.
 */
public final class FileSink implements Sink<Extent> {
    /** Where it is remembered what a device holds, unless another directory is given. */
    public static final Path DEFAULT_STATE = Path.of("/var/lib/replicate");

    private static final int PREFERRED_IO_BYTES = 1 << 20;
    private static final int MAX_IO_BYTES = 64 << 20;

    private final Path path;
    private final DirectIo direct;
    private final Path state;
    private final Geometry geometry;

    /** As {@link #FileSink(Path, boolean, Path)}, with {@link #DEFAULT_STATE}. */
    public FileSink(final Path path, final boolean direct) {
        this(path, direct, DEFAULT_STATE);
    }

    /**
     * Creates a sink that goes around the page cache for devices and large files.
     *
     * @param path of the target; where it is a symbolic link, of the file that it points to.
     */
    public FileSink(final Path path) {
        this(path, DirectIo.AUTO, DEFAULT_STATE);
    }

    /**
     * Creates a sink.
     *
     * @param path of the target; where it is a symbolic link, of the file that it points to.
     * @param direct whether to write around the page cache, where the file system can do so.
     * @param state the directory that remembers, while a session can be resumed, what a device holds.
     */
    public FileSink(final Path path, final boolean direct, final Path state) {
        this(path, DirectIo.of(direct), state);
    }

    FileSink(final Path path, final DirectIo direct, final Path state) {
        this.path = path;
        this.direct = direct;
        this.state = state;
        final long deviceBytes = deviceBytes(path);
        this.geometry =
                new Geometry(deviceBytes, 1, PREFERRED_IO_BYTES, MAX_IO_BYTES, false, deviceBytes != Unit.UNKNOWN);
    }

    /** Returns the size of a device; a file takes any size. Writes of any alignment work, aligned ones are faster. */
    @Override
    public Geometry geometry() {
        return geometry;
    }

    private static long deviceBytes(final Path path) {
        try {
            final TargetPath target = TargetPath.of(path);
            if (target.kind() == TargetPath.Kind.DEVICE) {
                try (NativeFile device = Opening.open(target.path(), false, NativeFile.Option.READ)) {
                    return device.size();
                }
            }
        } catch (final IOException e) {
            return Unit.UNKNOWN; // begin() says what is wrong
        }
        return Unit.UNKNOWN;
    }

    @Override
    public Session<Extent> begin(final Target target) throws IOException {
        final TargetPath resolved = TargetPath.of(path);
        resolved.requireKind(target);
        if (target.source() != null) {
            SameStorage.system().requireApart(target.source(), resolved);
        }
        return resolved.kind() == TargetPath.Kind.DEVICE
                ? DeviceSession.begin(resolved.path(), direct.forDevice(), state, target)
                : FileSession.begin(resolved, direct.forFile(target), target);
    }

    @Override
    public void close() {}

    @Override
    public String toString() {
        return path.toString();
    }
}
