package io.replicate.core.file;

import io.replicate.core.block.Block;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.NativeFile;
import io.replicate.core.posix.NativeFile.Option;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sizes;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Stored;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.TargetBusyException;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The writing of a block device, in place. While it lasts nobody else can mount the device or copy to it. */
final class DeviceSession implements Session<Extent> {
    private static final Logger log = LoggerFactory.getLogger(DeviceSession.class);

    private final NativeFile device;
    private final ExtentWriter writer;
    private final DeviceMark mark;
    private final boolean resumed;
    private final long endBytes;
    private boolean committed;
    private @Nullable FileSource stored;
    private @Nullable FileSource proof;

    private DeviceSession(final NativeFile device, final DeviceMark mark, final long endBytes) {
        this.device = device;
        this.mark = mark;
        this.resumed = mark.found();
        this.endBytes = endBytes;
        this.writer = new ExtentWriter(device, endBytes, Long.MAX_VALUE);
    }

    static DeviceSession begin(final Path path, final boolean direct, final Path state, final Target target)
            throws IOException {
        final NativeFile device = openUnused(path, direct, target.force());
        try {
            final long deviceBytes = device.size();
            if (target.sizeBytes() > deviceBytes) {
                throw ReplicationException.misuse(path + ": has " + deviceBytes + " bytes ("
                        + Sizes.format(deviceBytes) + "), but the source has " + target.sizeBytes() + " ("
                        + Sizes.format(target.sizeBytes()) + "); name a larger device");
            }
            if (target.sizeBytes() != Unit.UNKNOWN && target.sizeBytes() < deviceBytes) {
                log.info(
                        "{}: is larger than the source by {}; what lies there stays as it is",
                        path,
                        Sizes.format(deviceBytes - target.sizeBytes()));
            }
            final boolean sized = target.sizeBytes() != Unit.UNKNOWN;
            final DeviceMark mark = DeviceMark.of(state, path, target.sizeBytes(), sized ? target.resumeKey() : null);
            return new DeviceSession(device, mark, sized ? target.sizeBytes() : deviceBytes);
        } catch (final IOException | RuntimeException e) {
            try (device) {
                throw e;
            }
        }
    }

    /** Opens a device for writing and locks it; refuses one that is read-only and, unless forced, one that the system uses. */
    static NativeFile openUnused(final Path path, final boolean direct, final boolean force) throws IOException {
        final DeviceUse system = DeviceUse.system();
        if (system.isReadOnly(path)) {
            throw ReplicationException.misuse(path + ": is read-only; make it writable first (blockdev --setrw)");
        }
        if (!force) {
            final Optional<String> use = system.of(path);
            if (use.isPresent()) {
                throw ReplicationException.misuse(path + ": " + use.get());
            }
        }
        // the kernel's own word, also for mounts that other namespaces made
        final NativeFile device = force
                ? Opening.open(path, direct, Option.READ, Option.WRITE)
                : Opening.open(path, direct, Option.READ, Option.WRITE, Option.EXCLUSIVE);
        try {
            if (!Opening.tryLock(device)) {
                throw new TargetBusyException(path + ": is being written by another process; wait for it or stop it");
            }
            return device;
        } catch (final IOException | RuntimeException e) {
            try (device) {
                throw e;
            }
        }
    }

    @Override
    public boolean resumed() {
        return resumed;
    }

    @Override
    public Stored write(final Extent unit, final @Nullable Block from) throws IOException {
        return writer.write(unit, from);
    }

    @Override
    public void flush() throws IOException {
        writer.flush();
        mark.write();
    }

    @Override
    public Committed commit(final Revision revision) throws IOException {
        writer.flush();
        mark.remove();
        committed = true;
        return Committed.IN_PLACE;
    }

    /** After the commit reads come from the storage itself, as far as the kernel lets go of its cache. */
    @Override
    public Optional<Source<Extent>> readBack() throws IOException {
        if (committed) {
            device.advise(0, 0, Linux.POSIX_FADV_DONTNEED);
        }
        if (stored == null) {
            stored = FileSource.borrowing(device, endBytes);
        }
        return Optional.of(stored);
    }

    @Override
    public Optional<Source<Extent>> proof() throws IOException {
        if (proof == null) {
            proof = FileSource.ofDurable(device.path(), endBytes);
        }
        return Optional.of(proof);
    }

    @Override
    public void discard() throws IOException {
        if (!committed) {
            mark.remove();
        }
        close();
    }

    @Override
    public void close() throws IOException {
        try (device) {
            if (proof != null) {
                proof.close();
            }
            if (stored != null) {
                stored.close();
            }
        }
    }
}
