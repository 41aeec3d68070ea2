package io.replicate.examples.cli;

import io.replicate.core.posix.DurableFiles;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.Fan;
import io.replicate.delta.Images;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/** One place that a stream goes to. A file appears under its name when it is whole and durable. */
final class DdsOutlet implements AutoCloseable {
    private final Fan.Outlet outlet;
    private final WritableByteChannel channel;
    private final @Nullable Path temporary;
    private final @Nullable Path target;

    private DdsOutlet(
            final String name,
            final WritableByteChannel channel,
            final @Nullable Path temporary,
            final @Nullable Path target) {
        this.outlet = new Fan.Outlet(name, channel);
        this.channel = channel;
        this.temporary = temporary;
        this.target = target;
    }

    /**
     * Opens a place.
     *
     * @param force whether a device that the system uses is written nevertheless.
     */
    static DdsOutlet open(final String name, final boolean force) throws IOException {
        if (name.equals("-")) {
            return new DdsOutlet("standard output", DdsStreams.standardOutput(), null, null);
        }
        final Locator locator = Locator.parse(name);
        if (!locator.scheme().equals("file")) {
            throw ReplicationException.misuse("--dest " + name + ": a stream goes to '-', a file, a device or a peer");
        }
        final Path path = Path.of(locator.rest());
        if (Files.isDirectory(path)) {
            throw ReplicationException.misuse(path + ": is a directory; name a file in it");
        }
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            final WritableByteChannel channel = isDevice(path)
                    ? new DdsDeviceOutput(Images.target(locator, force))
                    : FileChannel.open(path, StandardOpenOption.WRITE);
            return new DdsOutlet(name, channel, null, path);
        }
        final @Nullable Path parent = path.toAbsolutePath().getParent();
        if (parent != null && !Files.isDirectory(parent)) {
            throw ReplicationException.fail(path + ": there is no directory " + parent, null);
        }
        final Path temporary = DurableFiles.temporaryBeside(path);
        temporary.toFile().deleteOnExit(); // a signal ends us without closing
        return new DdsOutlet(
                name,
                FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                temporary,
                path);
    }

    WritableByteChannel channel() {
        return channel;
    }

    Fan.Outlet outlet() {
        return outlet;
    }

    /** Makes what was written durable, and gives it its name. */
    void commit() throws IOException {
        if (channel instanceof DdsDeviceOutput device) {
            device.commit();
        } else if (channel instanceof FileChannel file && target != null && temporary != null) {
            file.force(true);
            file.close();
            DurableFiles.publish(temporary, target);
        }
    }

    private static boolean isDevice(final Path path) throws IOException {
        return ((Integer) Files.getAttribute(path, "unix:mode") & 0xF000) == 0x6000;
    }

    @Override
    public void close() throws IOException {
        channel.close();
        if (temporary != null) {
            Files.deleteIfExists(temporary);
        }
    }
}
