package io.replicate.core.file;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Over a made-up /proc and /sys. */
class DeviceUseTest {
    @TempDir
    Path root = Path.of("");

    @BeforeEach
    void aDiskWithTwoPartitions() throws IOException {
        write("proc/self/mountinfo", "27 1 254:0 / / rw,relatime - ext4 /dev/root rw\n");
        write("proc/swaps", "Filename Type Size Used Priority\n");
        write("sys/devices/sda/sda1/partition", "1\n");
        write("sys/devices/sda/sda1/start", "2048\n");
        write("sys/devices/sda/sda1/dev", "8:1\n");
        write("sys/devices/sda/sda2/partition", "2\n");
        write("sys/devices/sda/sda2/start", "4096\n");
        write("sys/devices/sda/sda2/dev", "8:2\n");
        write("sys/devices/sda/dev", "8:0\n");
        write("sys/devices/sda/diskseq", "7\n");
        write("sys/devices/sda/queue/rotational", "0\n");
        for (final String device : new String[] {"sda", "sda/sda1", "sda/sda2"}) {
            Files.createDirectories(root.resolve("sys/devices/" + device + "/holders"));
            link(
                    Files.readString(root.resolve("sys/devices/" + device + "/dev"))
                            .strip(),
                    device);
        }
    }

    private void write(final String path, final String text) throws IOException {
        final Path file = root.resolve(path);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private void link(final String number, final String device) throws IOException {
        final Path link = root.resolve("sys/dev/block").resolve(number);
        Files.createDirectories(link.getParent());
        Files.createSymbolicLink(link, root.resolve("sys/devices").resolve(device));
    }

    private DeviceUse use() {
        return new DeviceUse(root.resolve("proc"), root.resolve("sys"));
    }

    private String identity(final String number) throws IOException {
        return new DeviceIdentity(root.resolve("proc"), root.resolve("sys")).ofNumber(number);
    }

    @Test
    void aDiskThatNobodyUsesIsFree() throws IOException {
        assertThat(use().of("8:0")).isEmpty();
        assertThat(use().of("8:1")).isEmpty();
        assertThat(use().of("259:99")).as("unknown to sysfs").isEmpty();
    }

    @Test
    void aDiskIsInUseWhenAPartitionIsMounted() throws IOException {
        write("proc/self/mountinfo", "30 27 8:2 / /mnt/my\\040disk rw - xfs /dev/sda2 rw\n");

        assertThat(use().of("8:0")).hasValue("its partition sda2 is mounted on /mnt/my disk; unmount it first");
        assertThat(use().of("8:2")).hasValue("is mounted on /mnt/my disk; unmount it first");
        assertThat(use().of("8:1")).isEmpty();
    }

    @Test
    void aDiskIsInUseWhenLvmHoldsIt() throws IOException {
        Files.createDirectories(root.resolve("sys/devices/sda/sda1/holders/dm-0"));

        assertThat(use().of("8:0"))
                .hasValue("its partition sda1 is in use by dm-0 (LVM, RAID or encryption); stop that first");
    }

    @Test
    void sysfsSaysWhatIsReadOnly() throws IOException {
        write("sys/devices/sda/ro", "0\n");
        write("sys/devices/sda/sda1/ro", "1\n");

        assertThat(use().isReadOnly("8:0")).isFalse();
        assertThat(use().isReadOnly("8:1")).isTrue();
        assertThat(use().isReadOnly("259:99")).as("unknown to sysfs").isFalse();
    }

    @Test
    void linesThatAreTooShortAreSkipped() throws IOException {
        write("proc/self/mountinfo", "\n30 27\n31 27 8:1 / /x rw - ext4 /dev/sda1 rw\n");
        write("proc/swaps", "\n");

        assertThat(use().of("8:1"))
                .hasValueSatisfying(words -> assertThat(words).contains("/x"));
    }

    @Test
    void aSerialNumberTellsDevicesApartAndLasts() throws IOException {
        write("sys/devices/sda/wwid", "naa.5000c500a1b2c3d4\n");

        assertThat(identity("8:0")).isEqualTo("wwid naa.5000c500a1b2c3d4");
        assertThat(identity("8:2")).isEqualTo("wwid naa.5000c500a1b2c3d4 partition 2 at 4096");
    }

    @Test
    void withoutASerialNumberAnAttachmentIsToldFromAnother() throws IOException {
        assertThat(identity("8:0")).as("no boot id").isEmpty();
        write("proc/sys/kernel/random/boot_id", "e5a2d45b\n");

        assertThat(identity("8:0")).isEqualTo("boot e5a2d45b diskseq 7");
        assertThat(identity("259:99")).isEmpty();
    }
}
