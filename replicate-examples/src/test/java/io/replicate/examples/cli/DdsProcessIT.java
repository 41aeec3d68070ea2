package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The dds command in a process of its own: with a stand-in for lvm2 on the PATH, and with QEMU's dirty bitmaps. */
@Timeout(300)
class DdsProcessIT {
    private static final int CHUNK = 4096;

    @TempDir
    private Path dir;

    private ShellCommands commands = new ShellCommands(Path.of(""));

    @BeforeEach
    void useTheDirectory() {
        commands = new ShellCommands(dir);
    }

    @AfterEach
    void endProcesses() {
        commands.close();
    }

    private String dds(final Map<String, String> environment, final Object... arguments)
            throws IOException, InterruptedException {
        final List<Object> all = new ArrayList<>(List.of("dds"));
        all.addAll(List.of(arguments));
        return commands.replicate(environment, all.toArray());
    }

    private static byte[] random(final int bytes, final long seed) {
        final byte[] image = new byte[bytes];
        new Random(seed).nextBytes(image);
        return image;
    }

    /** ShellCommands of lvm2 whose volumes are files; each writes down how it was called. */
    private void standIn(final Path bin) throws IOException {
        final String head = """
            #!/bin/bash
            set -eu
            echo "${0##*/} $*" >>"$LVM/calls"
            cow() { echo "$LVM/mapper/${1//-/--}-${2//-/--}-cow"; }
            empty() { { printf 'SnAp\\1\\0\\0\\0\\1\\0\\0\\0\\10\\0\\0\\0'; head -c 1048560 /dev/zero; } >"$1"; }
            """;
        script(bin.resolve("lvcreate"), head + """
            while [ $# -gt 1 ]; do [ "$1" = -n ] && name=$2; shift; done
            vg=${1%%/*}; lv=${1#*/}
            [ ! -e "$LVM/$vg/$name" ] || { echo "Logical Volume \\"$name\\" already exists" >&2; exit 5; }
            cp "$LVM/$vg/$lv" "$LVM/$vg/$name"
            empty "$(cow "$vg" "$name")"
            uuid=$(cat /proc/sys/kernel/random/uuid); echo "aBcDeF-${uuid:0:4}-${uuid:9:4}" >"$LVM/uuid-$vg-$name"
            """);
        script(bin.resolve("lvremove"), head + """
            shift; vg=${1%%/*}; lv=${1#*/}
            rm "$LVM/uuid-$vg-$lv" "$LVM/$vg/$lv" "$(cow "$vg" "$lv")"
            """);
        script(bin.resolve("lvrename"), head + """
            mv "$LVM/uuid-$1-$2" "$LVM/uuid-$1-$3"; mv "$LVM/$1/$2" "$LVM/$1/$3"; mv "$(cow "$1" "$2")" "$(cow "$1" "$3")"
            """);
        script(bin.resolve("lvs"), head + """
            vg=${4%%/*}; lv=${4#*/}
            [ -e "$LVM/$vg/$lv" ] || { echo "  Failed to find logical volume \\"$4\\"" >&2; exit 5; }
            case $3 in lv_uuid) echo "  $(cat "$LVM/uuid-$vg-$lv")" ;; lv_attr) echo '  swi-a-s---' ;; *) exit 3 ;; esac
            """);
    }

    private static void script(final Path file, final String text) throws IOException {
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @Test
    void aVolumeWithHyphensIsKeptInSyncThroughTheCommandsOfLvm2() throws Exception {
        final Path lvm = Files.createDirectory(dir.resolve("lvm"));
        final Path bin = Files.createDirectory(dir.resolve("bin"));
        Files.createDirectories(lvm.resolve("my-vg"));
        Files.createDirectories(lvm.resolve("mapper"));
        standIn(bin);
        final byte[] first = random(64 * CHUNK, 1);
        final Path origin = Files.write(lvm.resolve("my-vg/a-b"), first);
        final Path copy = Files.write(dir.resolve("copy.img"), new byte[first.length]);
        final Map<String, String> environment =
                Map.of("PATH", bin + ":" + System.getenv("PATH"), "LVM", lvm.toString());
        final Object[] sync = {
            "--sync", "--source-lv", "my-vg/a-b", "--target", copy, "--dev", lvm, "--state", dir.resolve("state")
        };

        final String full = dds(environment, sync);
        assertThat(full).contains("full sync from my-vg/a-b_osvc_snap1");
        assertThat(copy).hasBinaryContent(first);

        final byte[] second = first.clone();
        Arrays.fill(second, 5 * CHUNK, 6 * CHUNK, (byte) 7);
        Files.write(origin, second);
        final Path store = lvm.resolve("mapper/my--vg-a--b_osvc_snap1-cow");
        final byte[] exceptions = Files.readAllBytes(store);
        ByteBuffer.wrap(exceptions)
                .order(ByteOrder.LITTLE_ENDIAN)
                .position(CHUNK)
                .putLong(5)
                .putLong(2);
        Files.write(store, exceptions);
        assertThat(dds(environment, sync))
                .contains("was updated")
                .doesNotContain("full")
                .doesNotContain("hashes");
        assertThat(copy).hasBinaryContent(second);
        assertThat(Files.readString(dir.resolve("state/my-vg_a-b.dds_state"))).matches("(?s)[-0-9 :.]+;aBcDeF-.*\n");
        assertThat(Files.readAllLines(lvm.resolve("calls")))
                .contains(
                        "lvcreate -y -s -n a-b_osvc_snap2 -l 10%ORIGIN my-vg/a-b",
                        "lvremove -f my-vg/a-b_osvc_snap1",
                        "lvrename my-vg a-b_osvc_snap2 a-b_osvc_snap1",
                        "lvs --noheadings -o lv_uuid my-vg/a-b_osvc_snap1");
    }

    @Test
    void aPersistentBitmapOfQemuNamesTheChanges() throws Exception {
        assumeTrue(ShellCommands.installed("qemu-img", "qemu-io", "qemu-nbd"), "qemu-utils is not installed");
        final byte[] old = random(4 << 20, 1);
        final Path copy = Files.write(dir.resolve("copy.img"), old);
        final Path raw = Files.write(dir.resolve("old.img"), old);
        final Path image = dir.resolve("disk.qcow2");
        commands.run(Map.of(), "qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, image);
        commands.run(Map.of(), "qemu-img", "bitmap", "--add", "-g", "64k", image, "monday");
        commands.run(
                Map.of(), "qemu-io", "-f", "qcow2", "-c", "write -P 170 1M 64k", "-c", "write -P 85 3000k 100k", image);
        final Path socket = dir.resolve("nbd.sock");
        // -r: one client at a time, and ends when it leaves
        commands.start("qemu-nbd", "-r", "-f", "qcow2", "-B", "monday", "-k", socket, image);
        await().atMost(60, TimeUnit.SECONDS).until(() -> Files.exists(socket));
        final Path stream = dir.resolve("delta.snap");
        final String source = "nbd+unix:///?socket=" + socket;

        final String report = dds(
                Map.of(),
                "--extract",
                "--changes",
                "bitmap:qemu:dirty-bitmap:monday",
                "--source",
                source,
                "--dest",
                stream,
                "-v");
        dds(Map.of(), "--merge", "--cow", stream, "--dest", copy);

        final byte[] expected = old.clone();
        Arrays.fill(expected, 1 << 20, (1 << 20) + (64 << 10), (byte) 170);
        Arrays.fill(expected, 3000 << 10, 3100 << 10, (byte) 85);
        assertThat(copy).hasBinaryContent(expected);
        assertThat(report).contains("Exceptions 64"); // 1M to 1M+64k, and 2944k to 3136k, in chunks of 4k
    }
}
