package io.replicate.core.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.job.Job;
import io.replicate.core.job.Replication;
import io.replicate.core.posix.Commands;
import io.replicate.core.posix.LoopDevice;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a device is refused for before the first byte. */
@Tag("root")
class DeviceChecksTest {
    private static final int DEVICE_BYTES = 64 << 20;

    @TempDir
    Path directory = Path.of("");

    private LoopDevice device;

    @BeforeEach
    void attach() throws Exception {
        device = LoopDevice.attach(DEVICE_BYTES);
    }

    @AfterEach
    void detach() {
        if (device != null) {
            device.close();
        }
    }

    private static Target fromDevice(final long sizeBytes) {
        return new Target(sizeBytes, Unit.UNKNOWN, true, null, 1, null, false);
    }

    private FileSink sink() {
        return new FileSink(device.path(), false, directory.resolve("state"));
    }

    private void assertMisuse(final String words, final Target target) {
        assertThatThrownBy(() -> sink().begin(target).close())
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.MISUSE))
                .hasMessageContaining(words)
                .hasMessageContaining(device.path().toString());
    }

    @Test
    void aFileOverADeviceNeedsForce() throws Exception {
        assertMisuse("the source is not", Target.ofSize(DEVICE_BYTES));

        sink().begin(Target.ofSize(DEVICE_BYTES).forced()).close();
    }

    @Test
    void aCopyThatEndsInsideABlockOfTheDeviceIsVerified() throws Exception {
        final byte[] image = new byte[(1 << 20) + 77];
        new Random(1).nextBytes(image);
        final Path file = Files.write(directory.resolve("image"), image);

        try (Job job = Replication.from(file.toString())
                .to(device.path().toString())
                .force(true)
                .verify(true)
                .start()) {
            assertThat(job.await().verified()).isTrue();
        }
    }

    @Test
    void aDeviceThatIsTooSmallIsRefusedAlsoByForce() {
        assertMisuse("name a larger device", fromDevice(DEVICE_BYTES + 1));
        assertMisuse("name a larger device", fromDevice(DEVICE_BYTES + 1).forced());
    }

    /** The kernel lets root open it for writing, and only then refuses the first write. */
    @Test
    void aReadOnlyDeviceIsRefusedAlsoByForce() throws Exception {
        Commands.run("blockdev", "--setro", device.path().toString());
        try {
            assertMisuse("is read-only; make it writable first", fromDevice(DEVICE_BYTES));
            assertMisuse(
                    "is read-only; make it writable first",
                    fromDevice(DEVICE_BYTES).forced());
        } finally {
            Commands.run("blockdev", "--setrw", device.path().toString()); // it would outlast the attachment
        }
    }

    @Test
    void aWritablePlaceInsideAReadOnlyMountIsAsGoodAsAny() throws Exception {
        Commands.assumeTool("mkfs.ext4");
        final Path mount = Files.createDirectory(directory.resolve("mount"));
        Commands.run("mkfs.ext4", "-q", "-F", device.path().toString());
        Commands.run("mount", device.path().toString(), mount.toString());
        try {
            final Path writable = Files.createDirectory(mount.resolve("writable"));
            Commands.run("mount", "--bind", writable.toString(), writable.toString());
            try {
                Commands.run("mount", "-o", "remount,bind,ro", mount.toString());
                new FileSink(writable.resolve("new"), false, directory.resolve("state"))
                        .begin(Target.ofSize(1))
                        .close();
            } finally {
                Commands.run("umount", writable.toString());
            }
        } finally {
            Commands.run("umount", mount.toString());
        }
    }

    @Test
    void aReadOnlyFileSystemIsCalledSo() throws Exception {
        Commands.assumeTool("mkfs.ext4");
        final Path mount = Files.createDirectory(directory.resolve("mount"));
        final Path old = mount.resolve("old");
        Commands.run("mkfs.ext4", "-q", "-F", device.path().toString());
        Commands.run("mount", device.path().toString(), mount.toString());
        try {
            Files.writeString(old, "old");
            Commands.run("mount", "-o", "remount,ro", mount.toString());
            for (final Path target : new Path[] {old, mount.resolve("new")}) {
                for (final Target wanted :
                        new Target[] {Target.ofSize(1), Target.ofSize(1).forced()}) {
                    assertThatThrownBy(() -> new FileSink(target, false, directory.resolve("state"))
                                    .begin(wanted)
                                    .close())
                            .isInstanceOfSatisfying(
                                    ReplicationException.class,
                                    e -> assertThat(e.category()).isEqualTo(Category.MISUSE))
                            .hasMessage(target + ": lies on a file system that is mounted read-only; mount it for"
                                    + " writing, or name a target elsewhere");
                }
            }
        } finally {
            Commands.run("umount", mount.toString());
        }
    }

    @Test
    void aMountedDeviceNeedsForce() throws Exception {
        Commands.assumeTool("mkfs.ext4");
        final Path mount = Files.createDirectory(directory.resolve("with space"));
        Commands.run("mkfs.ext4", "-q", device.path().toString());
        Commands.run("mount", device.path().toString(), mount.toString());
        try {
            assertMisuse("is mounted on " + mount, fromDevice(DEVICE_BYTES));
            assertThatThrownBy(() -> FileVolume.open(device.path(), false, FileVolume.Mode.READ_WRITE))
                    .hasMessageContaining("is mounted on");

            sink().begin(fromDevice(DEVICE_BYTES).forced()).close(); // writes nothing
            FileVolume.open(device.path(), false, FileVolume.Mode.READ_ONLY).close();
        } finally {
            Commands.run("umount", mount.toString());
        }
        sink().begin(fromDevice(DEVICE_BYTES)).close();
    }

    @Test
    void whileADeviceIsWrittenNobodyCanMountIt() throws Exception {
        Commands.assumeTool("mkfs.ext4");
        Commands.run("mkfs.ext4", "-q", device.path().toString());
        final Path mount = Files.createDirectory(directory.resolve("mount"));
        try (var session = sink().begin(fromDevice(DEVICE_BYTES))) {
            assertThat(session.resumed()).isFalse();
            assertThat(Commands.attempt("mount", device.path().toString(), mount.toString())
                            .exitCode())
                    .isNotZero();
        }
    }

    @Test
    void whatAnotherSessionHasWrittenIsNotGoneOnWith() throws Exception {
        final Target target = fromDevice(DEVICE_BYTES).resumable("a");
        try (var killed = sink().begin(target)) {
            killed.flush();
        }
        sink().begin(fromDevice(DEVICE_BYTES)).close(); // somebody else writes the device

        try (var session = sink().begin(target)) {
            assertThat(session.resumed()).isFalse();
        }
    }
}
