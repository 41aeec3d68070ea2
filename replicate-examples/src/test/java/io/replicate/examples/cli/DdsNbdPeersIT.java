package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Deltas over NBD with servers in processes of their own: ours and its dirty bitmaps, nbdkit, qemu-nbd. */
@Timeout(300)
class DdsNbdPeersIT {
    private static final int CHUNK = 4096;
    private static final int IMAGE_BYTES = 8 << 20;

    @TempDir
    private Path dir;

    private ShellCommands commands = new ShellCommands(Path.of(""));
    private Path socket = Path.of("");
    private String uri = "";
    private final byte[] old = new byte[IMAGE_BYTES];
    private final byte[] next = new byte[IMAGE_BYTES];

    @BeforeEach
    void makeImages() {
        commands = new ShellCommands(dir);
        socket = dir.resolve("nbd.sock");
        uri = "nbd+unix:///?socket=" + socket;
        new Random(5).nextBytes(old);
        System.arraycopy(old, 0, next, 0, old.length);
        for (int chunk = 3; chunk < IMAGE_BYTES / CHUNK; chunk += 11) {
            Arrays.fill(next, chunk * CHUNK, chunk * CHUNK + 1 + chunk, (byte) chunk);
        }
    }

    @AfterEach
    void endServers() {
        commands.close();
    }

    private String dds(final Object... arguments) throws IOException, InterruptedException {
        return replicate("dds", arguments);
    }

    private String replicate(final String command, final Object... arguments) throws IOException, InterruptedException {
        final List<Object> all = new ArrayList<>(List.of(command));
        all.addAll(List.of(arguments));
        return commands.replicate(Map.of(), all.toArray());
    }

    private void awaitSocket(final Path path) {
        await().atMost(60, TimeUnit.SECONDS).until(() -> Files.exists(path));
    }

    @Test
    void aBitmapOfOurServerNamesTheChanges() throws Exception {
        final Path disk = Files.write(dir.resolve("disk.img"), old);
        final Path copy = Files.write(dir.resolve("copy.img"), old);
        final Path control = dir.resolve("control.sock");
        commands.startReplicate("nbd", "serve", disk, "--unix", socket, "--control", control);
        awaitSocket(socket);
        awaitSocket(control);
        replicate("nbd", "bitmap", "add", "monday", "--control", control, "--granularity", CHUNK);
        final byte[] expected = old.clone();
        write(expected, (1 << 20) + 5, 3 * CHUNK, (byte) 1);
        write(expected, IMAGE_BYTES - 100, 100, (byte) 2);

        final Path stream = dir.resolve("delta.snap");
        final Object[] extract = {
            "--extract", "--changes", "bitmap:qemu:dirty-bitmap:monday", "--source", uri, "--dest", stream, "-v"
        };
        assertThat(dds(extract)).contains("Exceptions 5"); // four chunks that are touched, and the last one
        replicate("nbd", "bitmap", "clear", "monday", "--control", control);
        dds("--merge", "--cow", stream, "--dest", copy);
        assertThat(copy).hasBinaryContent(expected);

        write(expected, 7 * CHUNK, CHUNK, (byte) 3);
        assertThat(dds(extract)).as("since it was cleared").contains("Exceptions 1");
        dds("--merge", "--cow", stream, "--dest", copy);
        assertThat(copy).hasBinaryContent(expected);
    }

    /** Writes the same byte to the server and to what is expected. */
    private void write(final byte[] expected, final int offset, final int length, final byte with) throws Exception {
        Arrays.fill(expected, offset, offset + length, with);
        final Path data = Files.write(dir.resolve("data"), Arrays.copyOfRange(expected, offset, offset + length));
        replicate("nbd", "write", uri, "--offset", offset, "--input", data);
    }

    /** The servers of others. */
    enum Peer {
        NBDKIT("nbdkit") {
            @Override
            Object[] command(final Path socket, final Path image) {
                return new Object[] {"nbdkit", "-f", "-U", socket, "file", image};
            }
        },
        QEMU_NBD("qemu-nbd") {
            @Override
            Object[] command(final Path socket, final Path image) {
                return new Object[] {"qemu-nbd", "-t", "-e", "8", "-f", "raw", "-k", socket, image};
            }
        };

        private final String tool;

        Peer(final String tool) {
            this.tool = tool;
        }

        abstract Object[] command(Path socket, Path image);
    }

    @ParameterizedTest
    @EnumSource(Peer.class)
    void aServerOfOthersIsMergedIntoVerifiedScrubbedAndTakenBack(final Peer peer) throws Exception {
        assumeTrue(ShellCommands.installed(peer.tool), peer.tool + " is not installed");
        final Path image = Files.write(dir.resolve("image"), old);
        final Path source = Files.write(dir.resolve("next.img"), next);
        final Path stream = dir.resolve("delta.snap");
        dds("--extract", "--changes", "compare:" + image, "--source", source, "--dest", stream);
        commands.start(peer.command(socket, image));
        awaitSocket(socket);
        final Path state = dir.resolve("state");

        final String merged = dds("--merge", "--cow", stream, "--dest", uri, "--state", state, "--undo", 1, "-v");
        assertThat(merged).contains("atomic");
        assertThat(image).hasBinaryContent(next);
        dds("--verify", "--source", source, "--dest", uri, "--state", state);
        dds("--rollback", "--dest", uri, "--state", state);
        assertThat(image).hasBinaryContent(old);
        dds("--scrub", "--dest", uri, "--state", state);
        dds("--repair", "--source", source, "--dest", uri, "--state", state);
        assertThat(image).hasBinaryContent(next);
    }

    @ParameterizedTest
    @EnumSource(Peer.class)
    void aServerOfOthersIsASource(final Peer peer) throws Exception {
        assumeTrue(ShellCommands.installed(peer.tool), peer.tool + " is not installed");
        final Path image = Files.write(dir.resolve("image"), next);
        final Path copy = Files.write(dir.resolve("copy.img"), old);
        final Path stream = dir.resolve("delta.snap");
        commands.start(peer.command(socket, image));
        awaitSocket(socket);

        dds("--extract", "--changes", "compare:" + copy, "--source", uri, "--dest", stream);
        dds("--merge", "--cow", stream, "--dest", copy);
        assertThat(copy).hasBinaryContent(next);
        dds("--verify", "--source", uri, "--dest", copy);
        final Path whole = dir.resolve("whole.img");
        dds("--full", "--source", uri, "--dest", whole);
        assertThat(whole).hasBinaryContent(next);
    }
}
