package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.contract.FreePorts;
import io.replicate.core.contract.Seeds;
import io.replicate.core.posix.LoopDevice;
import io.replicate.core.posix.LoopMount;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Rings of processes, one of whose targets cannot be written: that node fails, and only that one. */
@Tag("root")
@Timeout(240)
class RingTargetIT {
    private static final int SIZE_BYTES = 32 << 20;

    private final Random random = Seeds.random("RingTargetIT");
    private final byte[] image = new byte[SIZE_BYTES];
    private final List<RingMember> members = new ArrayList<>();
    private final List<String> addresses = new ArrayList<>();

    @TempDir
    private Path directory;

    private Path source = Path.of("");

    @BeforeEach
    void makeImage() throws IOException {
        random.nextBytes(image);
        source = Files.write(directory.resolve("image"), image);
    }

    @AfterEach
    void killAll() {
        members.forEach(RingMember::destroy);
    }

    private RingMember join(final String... options) throws IOException {
        final int port = FreePorts.next();
        final List<String> arguments =
                new ArrayList<>(List.of("join", "--insecure", "--wait", "60", "--listen", "127.0.0.1:" + port));
        arguments.addAll(List.of(options));
        final RingMember node = RingMember.start(List.of(), arguments);
        members.add(node);
        addresses.add("127.0.0.1:" + port);
        node.awaitSaid("waiting");
        return node;
    }

    private RingMember serve(final String from, final String to, final String... options) throws IOException {
        final List<String> arguments = new ArrayList<>(List.of("serve", "--insecure"));
        arguments.addAll(List.of(options));
        arguments.addAll(List.of(from, to));
        arguments.addAll(addresses);
        final RingMember server = RingMember.start(List.of(), arguments);
        members.add(server);
        return server;
    }

    private static List<String> filesIn(final Path place) throws IOException {
        try (Stream<Path> files = Files.list(place)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .filter(name -> !name.equals("lost+found"))
                    .toList();
        }
    }

    /** Node 2 writes to a small disk, by a link; the others beside it. */
    private String targetsWithSmallDisk(final Path disk) throws IOException {
        for (int i = 1; i <= 3; i++) {
            if (i == 2) {
                Files.createSymbolicLink(directory.resolve("d2"), disk);
            } else {
                Files.createDirectory(directory.resolve("d" + i));
            }
        }
        return directory + "/d%i/copy";
    }

    @Test
    void aDiskWithoutRoomIsRefusedBeforeTheFirstByte() throws Exception {
        try (LoopMount disk = LoopMount.mount("ext4", 16 << 20)) {
            final String target = targetsWithSmallDisk(disk.path());
            final List<RingMember> nodes = List.of(join(), join(), join());
            final RingMember server = serve(source.toString(), target);

            assertThat(server.exit()).as("%s", server.lines()).isEqualTo(ExitCode.PARTLY);
            assertThat(nodes.get(1).exit()).as("%s", nodes.get(1).lines()).isEqualTo(ExitCode.FAILED);
            assertThat(String.join("\n", server.lines()))
                    .contains("failed at offset 0")
                    .containsIgnoringCase("free");
            assertThat(filesIn(disk.path())).isEmpty();
            assertThat(Files.readAllBytes(directory.resolve("d1/copy"))).isEqualTo(image);
            assertThat(Files.readAllBytes(directory.resolve("d3/copy"))).isEqualTo(image);
        }
    }

    @Test
    void aDiskThatFillsUpDropsThatNodeOnlyAndLeavesNothingOnIt() throws Exception {
        try (LoopMount disk = LoopMount.mount("ext4", 16 << 20)) {
            final String target = targetsWithSmallDisk(disk.path());
            final List<RingMember> nodes = List.of(join(), join(), join());
            final RingMember server = serve("-", target); // how much will come is not known
            server.feed(new ByteArrayInputStream(image));

            assertThat(server.exit()).as("%s", server.lines()).isEqualTo(ExitCode.PARTLY);
            assertThat(nodes.get(1).exit()).as("%s", nodes.get(1).lines()).isEqualTo(ExitCode.FAILED);
            assertThat(String.join("\n", server.lines())).contains("ENOSPC");
            assertThat(filesIn(disk.path())).isEmpty();
            assertThat(Files.readAllBytes(directory.resolve("d1/copy"))).isEqualTo(image);
            assertThat(Files.readAllBytes(directory.resolve("d3/copy"))).isEqualTo(image);
        }
    }

    @Test
    void devicesThatAreMountedOrTooSmallAreRefused() throws Exception {
        try (LoopDevice from = LoopDevice.attach(SIZE_BYTES);
                LoopMount mounted = LoopMount.mount("ext4", SIZE_BYTES);
                LoopDevice small = LoopDevice.attach(SIZE_BYTES / 2);
                LoopDevice good = LoopDevice.attach(SIZE_BYTES)) {
            Files.write(from.path(), image);
            final Path mountedDevice = Path.of(new String(
                            new ProcessBuilder(
                                            "findmnt",
                                            "-no",
                                            "SOURCE",
                                            mounted.path().toString())
                                    .start()
                                    .getInputStream()
                                    .readAllBytes(),
                            java.nio.charset.StandardCharsets.UTF_8)
                    .strip());
            Files.createSymbolicLink(directory.resolve("dev1"), mountedDevice);
            Files.createSymbolicLink(directory.resolve("dev2"), small.path());
            Files.createSymbolicLink(directory.resolve("dev3"), good.path());
            final String state = directory.resolve("state").toString();
            join("--state", state);
            join("--state", state);
            join("--state", state);
            final RingMember server = serve(from.path().toString(), directory + "/dev%i");

            assertThat(server.exit()).as("%s", server.lines()).isEqualTo(ExitCode.PARTLY);
            assertThat(String.join("\n", server.lines())).contains("mounted").contains("larger device");
            final byte[] copy = new byte[SIZE_BYTES];
            try (var in = Files.newInputStream(good.path())) {
                assertThat(in.readNBytes(copy, 0, SIZE_BYTES)).isEqualTo(SIZE_BYTES);
            }
            assertThat(Arrays.equals(copy, image)).isTrue();
        }
    }
}
