package io.replicate.nbd.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.replicate.core.file.FileVolume;
import io.replicate.nbd.interop.Tools.Peer;
import io.replicate.nbd.server.Export;
import io.replicate.nbd.server.NbdServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A file system on an export: made, filled, unmounted and checked. */
@Tag("interop")
@Tag("root")
@Timeout(240)
class MountIT {
    private static final long SIZE = 64 << 20;

    @TempDir
    private Path dir;

    @Test
    void anExt4OnAnExportIsMountedFilledAndFoundWhole() throws Exception {
        Tools.needs("nbdfuse");
        Tools.needs("mkfs.ext4");
        assumeTrue(Files.isWritable(Paths.get("/dev/fuse")), "no /dev/fuse for this user");
        assumeTrue("root".equals(System.getProperty("user.name")), "mounting needs root");
        final Path image = dir.resolve("fs.img");
        final Path fuse = Files.createDirectory(dir.resolve("fuse"));
        final Path mnt = Files.createDirectory(dir.resolve("mnt"));
        Files.createFile(image);
        try (var file = new java.io.RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(SIZE);
        }
        final byte[] content = new byte[5 << 20];
        new Random(3).nextBytes(content);
        try (FileVolume volume = FileVolume.open(image, false, FileVolume.Mode.READ_WRITE);
                NbdServer server = NbdServer.builder()
                        .export(Export.of("fs", volume))
                        .tcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                        .start();
                Peer mounted = new Peer(dir, "nbdfuse", fuse + "/disk", "nbd://localhost:" + server.port() + "/fs")
                        .await(fuse.resolve("disk"))) {
            Tools.run(dir, "mkfs.ext4", "-q", "-F", fuse + "/disk");
            final Tools.Ended mount = Tools.end(dir, "mount", "-o", "loop", fuse + "/disk", mnt.toString());
            assumeTrue(mount.exit() == 0, "this host mounts no loop devices: " + mount.text());
            try {
                for (int i = 0; i < 50; i++) {
                    Files.write(mnt.resolve("small" + i), new byte[i * 100]);
                }
                Files.write(mnt.resolve("large"), content);
                Files.delete(mnt.resolve("small7"));
            } finally {
                Tools.run(dir, "umount", mnt.toString());
                Tools.run(dir, "fusermount3", "-u", fuse.toString());
            }
        }
        Tools.run(dir, "e2fsck", "-fn", image.toString());
        final Path back = dir.resolve("back");
        Tools.run(dir, "debugfs", "-R", "dump large " + back, image.toString());
        assertThat(Files.mismatch(back, Files.write(dir.resolve("large"), content)))
                .isEqualTo(-1);
    }
}
