package io.replicate.core.file;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.posix.Commands;
import io.replicate.core.posix.LoopDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real device nodes; the kernel's view of them is made up where a machine has none such. */
@Tag("root")
class SameStorageTest {
    private static final int MAJOR = 1; // RAM disks: nodes that nothing is behind, and that nobody opens here

    @TempDir
    Path directory = Path.of("");

    private Path node(final int minor) throws IOException {
        Commands.assumeRoot("mknod");
        final Path node = directory.resolve("ram" + minor);
        Commands.run("mknod", node.toString(), "b", "" + MAJOR, "" + minor);
        return node;
    }

    private Path sysfs(final String name, final int minor) throws IOException {
        final Path device =
                Files.createDirectories(directory.resolve("sys/devices").resolve(name));
        Files.writeString(device.resolve("dev"), MAJOR + ":" + minor + "\n");
        final Path links = Files.createDirectories(directory.resolve("sys/dev/block"));
        Files.createSymbolicLink(links.resolve(MAJOR + ":" + minor), device);
        return device;
    }

    private void requireApart(final Path source, final Path target) throws IOException {
        new SameStorage(directory.resolve("sys")).requireApart(source, TargetPath.of(target));
    }

    @Test
    void aDiskAndItsPartitionAreNotApart() throws Exception {
        final Path disk = node(0);
        final Path partition = node(1);
        final Path other = node(2);
        sysfs("disk", 0);
        Files.writeString(sysfs("disk/disk1", 1).resolve("partition"), "1\n");
        Files.writeString(sysfs("disk/disk2", 2).resolve("partition"), "2\n");

        assertThatThrownBy(() -> requireApart(partition, disk)).hasMessageContaining("lies in it");
        assertThatThrownBy(() -> requireApart(disk, partition)).hasMessageContaining("lies in the source");
        assertThatThrownBy(() -> requireApart(disk, disk)).hasMessageContaining("is the source itself");
        assertThatCode(() -> requireApart(partition, other)).doesNotThrowAnyException();
    }

    @Test
    void aMappedDeviceAndTheDiskBelowAreNotApart() throws Exception {
        final Path disk = node(0);
        final Path mapped = node(5);
        sysfs("disk", 0);
        Files.createSymbolicLink(
                Files.createDirectory(sysfs("dm-0", 5).resolve("slaves")).resolve("disk"),
                directory.resolve("sys/devices/disk"));

        assertThatThrownBy(() -> requireApart(mapped, disk)).hasMessageContaining("lies in it");
        assertThatThrownBy(() -> requireApart(disk, mapped)).hasMessageContaining("lies in the source");
    }

    @Test
    void aLoopDeviceAndItsFileAreNotApart() throws Exception {
        try (LoopDevice loop = LoopDevice.attach(1 << 20)) {
            final SameStorage real = SameStorage.system();
            final TargetPath file = TargetPath.of(loop.image());

            assertThatThrownBy(() -> real.requireApart(loop.path(), file)).hasMessageContaining("lies in it");
            assertThatThrownBy(() -> real.requireApart(loop.image(), TargetPath.of(loop.path())))
                    .hasMessageContaining("lies in the source");
        }
    }
}
