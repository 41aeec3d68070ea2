package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.Volume;
import io.replicate.delta.DeltaExtract;
import io.replicate.delta.ExtractOptions;
import io.replicate.delta.Images;
import io.replicate.delta.StatePlace;
import io.replicate.delta.apply.Cloner;
import io.replicate.delta.apply.Companion;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.apply.MergeOptions;
import io.replicate.delta.apply.NativeStateDirectory;
import io.replicate.delta.apply.TargetImage;
import io.replicate.delta.change.Changes;
import io.replicate.delta.change.CompareChanges;
import io.replicate.delta.cow.SnapLayout;
import io.replicate.nbd.server.Export;
import io.replicate.nbd.server.NbdServer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Deltas whose target is behind our own NBD server, and the image that readers see over NBD while one is applied. */
class DdsNbdTest {
    private static final int CHUNK = 4096;

    @TempDir
    private Path dir;

    private final byte[] old = new byte[4 << 20];
    private final byte[] next = new byte[old.length];

    DdsNbdTest() {
        new Random(1).nextBytes(old);
        System.arraycopy(old, 0, next, 0, old.length);
        for (int chunk = 0; chunk < old.length / CHUNK; chunk += 7) {
            next[chunk * CHUNK + chunk % CHUNK]++;
        }
    }

    private byte[] delta() throws IOException {
        final Path from = Files.write(dir.resolve("old.img"), old);
        final Path to = Files.write(dir.resolve("next.img"), next);
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (Images.Opened a = Images.source(Locator.file(from.toString()));
                Images.Opened b = Images.source(Locator.file(to.toString()));
                Changes changes = new CompareChanges(a, b, new SnapLayout(CHUNK)).find(next.length)) {
            DeltaExtract.write(
                    changes,
                    b,
                    ExtractOptions.of(false, "g0", "g1", MergeOptions.DEFAULT.cancellation()),
                    Channels.newChannel(out));
        }
        return out.toByteArray();
    }

    private static NbdServer serve(final Volume volume) throws IOException {
        return NbdServer.builder()
                .export(Export.of("disk", volume))
                .tcp(new InetSocketAddress("127.0.0.1", 0))
                .start();
    }

    private static String address(final NbdServer server) {
        return "nbd://127.0.0.1:" + server.port() + "/disk";
    }

    private static byte[] content(final Volume volume) throws IOException {
        final ByteBuffer all =
                ByteBuffer.allocate(Math.toIntExact(volume.geometry().sizeBytes()));
        volume.read(0, all);
        return all.array();
    }

    private static String dds(final int expected, final Object... arguments) {
        final String[] args = new String[arguments.length + 1];
        args[0] = "dds";
        for (int i = 0; i < arguments.length; i++) {
            args[i + 1] = arguments[i].toString();
        }
        final StringWriter said = new StringWriter();
        final int code = Main.run(new PrintWriter(said, true), new PrintWriter(said, true), args);
        assertThat(code).as(said.toString()).isEqualTo(expected);
        return said.toString();
    }

    @Test
    void aDeltaIsMergedIntoAnExportVerifiedAndTakenBack() throws IOException {
        final Path stream = Files.write(dir.resolve("delta.snap"), delta());
        final Path cut = Files.write(dir.resolve("cut.snap"), Arrays.copyOf(delta(), 300_000));
        final Path state = dir.resolve("state");
        try (Volume volume = Providers.volume(Locator.parse("mem:dds-merge?size=" + old.length));
                NbdServer server = serve(volume)) {
            volume.write(0, ByteBuffer.wrap(old), java.util.Set.of());
            final Object[] target = {"--dest", address(server), "--state", state};

            dds(ExitCode.FAILED, "--merge", "--cow", cut, target[0], target[1], target[2], target[3]);
            assertThat(content(volume)).as("a cut stream changes nothing").isEqualTo(old);
            final String report = dds(
                    ExitCode.OK,
                    "--merge",
                    "--cow",
                    stream,
                    "--undo",
                    1,
                    "-v",
                    target[0],
                    target[1],
                    target[2],
                    target[3]);
            assertThat(report).contains("atomic");
            assertThat(content(volume)).isEqualTo(next);
            dds(
                    ExitCode.OK,
                    "--verify",
                    "--source",
                    dir.resolve("next.img"),
                    target[0],
                    target[1],
                    target[2],
                    target[3]);
            dds(ExitCode.OK, "--rollback", target[0], target[1], target[2], target[3]);
            assertThat(content(volume)).isEqualTo(old);
        }
    }

    @Test
    void anExportIsASourceToo() throws IOException {
        final Path base = Files.write(dir.resolve("base.img"), old);
        final Path stream = dir.resolve("of-nbd.snap");
        try (Volume volume = Providers.volume(Locator.parse("mem:dds-source?size=" + old.length));
                NbdServer server = serve(volume)) {
            volume.write(0, ByteBuffer.wrap(next), java.util.Set.of());
            dds(
                    ExitCode.OK,
                    "--extract",
                    "--changes",
                    "compare:" + base,
                    "--source",
                    address(server),
                    "--dest",
                    stream);
        }
        dds(ExitCode.OK, "--merge", "--cow", stream, "--dest", base);
        assertThat(base).hasBinaryContent(next);
    }

    /** The merge is stopped at a write, as by the loss of its disk; whoever looks over NBD sees the new image, whole. */
    @Test
    void whileAMergeIsAppliedReadersOverNbdSeeTheNewImage() throws IOException {
        final Path file = Files.write(dir.resolve("target.img"), old);
        final byte[] stream = delta();
        final Locator locator = Locator.file(file.toString());
        assertThatThrownBy(() -> {
                    try (DeltaTarget target = DeltaTarget.open(
                            new Stopped(Images.target(locator, false), 50),
                            NativeStateDirectory.open(StatePlace.of(locator, null)),
                            Companion.NONE,
                            Cloner.NONE)) {
                        target.merge(
                                Channels.newChannel(new ByteArrayInputStream(stream)), "delta", MergeOptions.DEFAULT);
                    }
                })
                .hasMessageContaining("pulled");
        final byte[] raw = Files.readAllBytes(file);
        assertThat(Arrays.equals(raw, old) || Arrays.equals(raw, next))
                .as("a mixture")
                .isFalse();

        try (Volume view = Providers.volume(Locator.parse("delta:" + file));
                NbdServer server = serve(view);
                Volume client = Providers.volume(Locator.parse(address(server)))) {
            assertThat(content(client)).isEqualTo(next);
            final ByteBuffer some = ByteBuffer.allocate(3 * CHUNK);
            client.read(6 * CHUNK - 7, some);
            assertThat(some.array()).isEqualTo(Arrays.copyOfRange(next, 6 * CHUNK - 7, 9 * CHUNK - 7));

            dds(ExitCode.OK, "--recover", "--dest", file);

            assertThat(content(client)).as("also once it is done").isEqualTo(next);
        }
        assertThat(file).hasBinaryContent(next);
    }

    /** An image that fails for good at a write. */
    private static final class Stopped implements TargetImage {
        private final TargetImage image;
        private int writesLeft;

        Stopped(final TargetImage image, final int writes) {
            this.image = image;
            this.writesLeft = writes;
        }

        @Override
        public long size() throws IOException {
            return image.size();
        }

        @Override
        public void read(final long offset, final ByteBuffer into) throws IOException {
            image.read(offset, into);
        }

        @Override
        public void write(final long offset, final ByteBuffer from) throws IOException {
            if (writesLeft-- <= 0) {
                throw new IOException("pulled the disk");
            }
            image.write(offset, from);
        }

        @Override
        public void flush() throws IOException {
            image.flush();
        }

        @Override
        public void close() throws IOException {
            image.close();
        }
    }
}
