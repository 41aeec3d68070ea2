package io.replicate.nbd.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.contract.FreePorts;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Volume;
import io.replicate.nbd.client.NbdAddress;
import io.replicate.nbd.client.NbdClient;
import io.replicate.nbd.client.NbdVolume;
import io.replicate.nbd.interop.Tools.Peer;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Our client with the servers of nbdkit, QEMU and nbd, weak, slow and faulty ones among them. */
@Tag("interop")
@Timeout(240)
class ClientInteropIT {
    private static final int SIZE = 16 << 20;
    private static final int DATA = 3 << 20;

    @TempDir
    private Path dir;

    private Path image;
    private Path socket;
    private byte[] model;

    @BeforeEach
    void makeAnImage() throws IOException {
        image = dir.resolve("disk.img");
        socket = dir.resolve("s.sock");
        model = new byte[SIZE];
        final byte[] data = new byte[DATA];
        new Random(7).nextBytes(data);
        System.arraycopy(data, 0, model, 0, DATA);
        System.arraycopy(data, 0, model, 10 << 20, 1 << 20);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.write(data);
            file.seek(10 << 20);
            file.write(data, 0, 1 << 20);
            file.setLength(SIZE);
        }
    }

    private Peer nbdkit(String... more) throws IOException {
        final List<String> command = new ArrayList<>(List.of("nbdkit", "-f", "-U", socket.toString()));
        command.addAll(List.of(more));
        return new Peer(dir, command.toArray(String[]::new)).await(socket);
    }

    private NbdVolume open(String more) throws IOException {
        return NbdVolume.open(NbdAddress.of(Locator.parse("nbd+unix:///?socket=" + socket + more)));
    }

    /** Reads, writes, zeroes and trims, from several threads, and compares with the model and with the image. */
    private void exercise(NbdVolume volume) throws Exception {
        final ByteBuffer all = ByteBuffer.allocateDirect(SIZE);
        volume.read(0, all);
        assertThat(all.flip()).isEqualTo(ByteBuffer.wrap(model));
        final int block = volume.geometry().minIoBytes();
        final List<CompletableFuture<Void>> parts = new ArrayList<>();
        for (int part = 0; part < 4; part++) {
            final int from = part * (SIZE / 4);
            final Random random = new Random(part);
            parts.add(CompletableFuture.runAsync(() -> {
                try {
                    change(volume, random, from, block);
                } catch (final IOException e) {
                    throw new IllegalStateException(e);
                }
            }));
        }
        parts.forEach(CompletableFuture::join);
        volume.flush();
        volume.read(0, all.clear());
        assertThat(all.flip()).isEqualTo(ByteBuffer.wrap(model));
        assertThat(Files.readAllBytes(image)).isEqualTo(model);
        long covered = 0;
        while (covered < SIZE) {
            for (final Extent extent : volume.extents(covered, SIZE - covered, 1000)) {
                assertThat(extent.offset()).isEqualTo(covered);
                if (!extent.hasData()) {
                    assertThat(Arrays.mismatch(
                                    model, (int) covered, (int) extent.end(), new byte[(int) extent.length()], 0, (int)
                                            extent.length()))
                            .isEqualTo(-1);
                }
                covered = extent.end();
            }
        }
    }

    private void change(NbdVolume volume, Random random, int from, int block) throws IOException {
        for (int i = 0; i < 25; i++) {
            final int length = (1 + random.nextInt(200_000 / block)) * block;
            final int at = from + random.nextInt((SIZE / 4 - length) / block) * block;
            if (random.nextInt(3) > 0) {
                final byte[] bytes = new byte[length];
                random.nextBytes(bytes);
                System.arraycopy(bytes, 0, model, at, length);
                volume.write(at, ByteBuffer.wrap(bytes), random.nextBoolean() ? Set.of() : Set.of(Volume.Flag.FUA));
            } else {
                Arrays.fill(model, at, at + length, (byte) 0);
                volume.zero(at, length, random.nextBoolean() ? Set.of() : Set.of(Volume.Flag.NO_HOLE));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "file",
                "--no-sr file",
                "--mask-handshake=0 file",
                "--mask-handshake=1 file",
                "--mask-handshake=2 file",
                "--mask-handshake=3 file",
                "-t 1 --no-sr --mask-handshake=0 --filter=multi-conn file multi-conn-mode=disable",
                "--filter=noextents file",
                "--filter=nozero file",
                "--filter=nozero file zeromode=notrim",
                "--filter=fua file fuamode=emulate",
                "--filter=fua file fuamode=discard",
                "--filter=noparallel file",
                "--filter=limit file limit=1",
                "--filter=blocksize-policy file blocksize-minimum=512 blocksize-preferred=4096 blocksize-maximum=64k"
                        + " blocksize-error-policy=error",
                "--filter=blocksize-policy file blocksize-minimum=65536 blocksize-preferred=65536"
                        + " blocksize-maximum=1M blocksize-error-policy=error",
                "--filter=delay file rdelay=2ms wdelay=5ms delay-zero=3ms delay-extents=5ms",
            })
    void aServerOfNbdkit(String options) throws Exception {
        final String[] command = options.split(" ");
        final List<String> words = new ArrayList<>();
        for (final String word : command) {
            words.add(word);
            if (word.equals("file")) {
                words.add(image.toString());
            }
        }
        try (Peer server = nbdkit(words.toArray(String[]::new));
                NbdVolume volume = open("")) {
            exercise(volume);
        }
    }

    /**
     * nbdkit 1.32 announces FUA and FLUSH to oldstyle clients, and answers both with EINVAL; QEMU fails on it like any other
     * client (qemu-io, seen by hand). So nothing is flushed here.
     */
    @Test
    void oldstyleOfNbdkit() throws Exception {
        try (Peer server = nbdkit("--oldstyle", "file", image.toString());
                NbdVolume volume = open("")) {
            assertThat(volume.info().protocol()).isEqualTo("oldstyle");
            volume.write(200, ByteBuffer.wrap(new byte[] {9}), Set.of());
            model[200] = 9;
            final ByteBuffer all = ByteBuffer.allocateDirect(SIZE);
            volume.read(0, all);
            assertThat(all.flip()).isEqualTo(ByteBuffer.wrap(model));
        }
    }

    @Test
    void qemuNbd() throws Exception {
        try (Peer server = new Peer(
                                dir,
                                "qemu-nbd",
                                "-f",
                                "raw",
                                "-t",
                                "-e",
                                "8",
                                "-x",
                                "disk",
                                "-k",
                                socket.toString(),
                                image.toString())
                        .await(socket);
                NbdVolume volume = NbdVolume.open(
                        NbdAddress.of(Locator.parse("nbd+unix:///disk?socket=" + socket + "&connections=4")))) {
            assertThat(volume.info().structured()).isTrue();
            exercise(volume);
        }
    }

    @Test
    void nbdServer() throws Exception {
        final int port = FreePorts.next();
        final Path config = Files.writeString(
                dir.resolve("nbd.conf"),
                "[generic]\nlistenaddr = 127.0.0.1\nport = " + port + "\nallowlist = true\n[disk]\nexportname = "
                        + image + "\nflush = true\nfua = true\ntrim = true\n");
        final String uri = "nbd://127.0.0.1:" + port;
        final Path pid = dir.resolve("nbd.pid");
        Tools.run(dir, "nbd-server", "-C", config.toString(), "-p", pid.toString()); // goes into the background
        org.awaitility.Awaitility.await()
                .atMost(java.time.Duration.ofSeconds(60))
                .until(() -> Files.exists(pid) && Files.size(pid) > 0);
        final ProcessHandle server =
                ProcessHandle.of(Long.parseLong(Files.readString(pid).strip())).orElseThrow();
        try (NbdVolume volume = NbdVolume.open(NbdAddress.of(Locator.parse(uri + "/disk")))) {
            assertThat(NbdClient.list(NbdAddress.of(Locator.parse(uri)))).containsOnlyKeys("disk");
            assertThat(NbdClient.info(NbdAddress.of(Locator.parse(uri + "/disk")))
                            .sizeBytes())
                    .isEqualTo(SIZE);
            exercise(volume);
            assertThatThrownBy(() -> NbdVolume.open(NbdAddress.of(Locator.parse(uri + "/nope"))))
                    .isInstanceOf(ReplicationException.class)
                    .hasMessageContaining("nope");
        } finally {
            server.destroy();
            server.onExit().get(60, java.util.concurrent.TimeUnit.SECONDS);
        }
    }

    @Test
    void errorsSayWhatFailedAndWhere() throws Exception {
        final Path trigger = dir.resolve("fail");
        try (Peer server = nbdkit(
                        "--filter=error",
                        "file",
                        image.toString(),
                        "error=ENOSPC",
                        "error-rate=100%",
                        "error-file=" + trigger);
                NbdVolume volume = open("")) {
            volume.read(0, ByteBuffer.allocate(512));
            Files.writeString(trigger, "");

            assertThatThrownBy(() -> volume.write(4096, ByteBuffer.allocate(512), Set.of()))
                    .hasMessageContaining("WRITE offset=4096 length=512: ENOSPC")
                    .isInstanceOfSatisfying(
                            ReplicationException.class,
                            e -> assertThat(e.category()).isEqualTo(ReplicationException.Category.FAIL_JOB));
            assertThatThrownBy(() -> volume.extents(0, SIZE, 10)).hasMessageContaining("BLOCK_STATUS offset=0");
            Files.delete(trigger);
            exercise(volume);
        }
    }

    /** Every tenth request fails with EIO: reported, never taken for success. */
    @Test
    void randomErrorsNeverPassForSuccess() throws Exception {
        try (Peer server =
                        nbdkit("--filter=error", "file", image.toString(), "error-pread=EIO", "error-pread-rate=20%");
                NbdVolume volume = open("")) {
            int failed = 0;
            for (int i = 0; i < 200; i++) {
                final ByteBuffer into = ByteBuffer.allocate(4096);
                try {
                    volume.read(i * 8192L, into);
                    assertThat(into.flip()).isEqualTo(ByteBuffer.wrap(model, i * 8192, 4096));
                } catch (final ReplicationException e) {
                    assertThat(e).hasMessageContaining("READ offset=" + i * 8192 + " length=4096: EIO");
                    failed++;
                }
            }
            assertThat(failed).isBetween(5, 150);
        }
    }

    @Test
    void aPausedServerIsWaitedFor() throws Exception {
        final Path control = dir.resolve("pause.sock");
        try (Peer server = nbdkit("--filter=pause", "file", image.toString(), "pause-control=" + control)
                        .await(control);
                NbdVolume volume = open("")) {
            pause(control, 'p');
            final ByteBuffer into = ByteBuffer.allocate(4096);
            final CompletableFuture<Void> reading = CompletableFuture.runAsync(() -> {
                try {
                    volume.read(8192, into);
                } catch (final IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            assertThat(reading).isNotDone();
            pause(control, 'r');
            reading.join();
            assertThat(into.flip()).isEqualTo(ByteBuffer.wrap(model, 8192, 4096));
        }
    }

    @Test
    void aServerThatStaysPausedIsGivenUpInTime() throws Exception {
        final Path control = dir.resolve("pause.sock");
        try (Peer server = nbdkit("--filter=pause", "file", image.toString(), "pause-control=" + control)
                        .await(control);
                NbdVolume volume = open("&timeout=3&reconnect=0")) {
            pause(control, 'p');
            assertThatThrownBy(() -> volume.read(8192, ByteBuffer.allocate(4096)))
                    .hasMessageContaining("no answer within 3 s");
            pause(control, 'r');
        }
    }

    /** Speaks the protocol of nbdkit's pause filter: a letter, and the upper case one is the answer. */
    private static void pause(Path control, char command) throws IOException {
        try (var channel = java.nio.channels.SocketChannel.open(java.net.UnixDomainSocketAddress.of(control))) {
            channel.write(ByteBuffer.wrap(new byte[] {(byte) command}));
            final ByteBuffer answer = ByteBuffer.allocate(1);
            channel.read(answer);
            assertThat((char) answer.get(0)).isEqualTo(Character.toUpperCase(command));
        }
    }

    /** A server that is about to exit takes no further connections: those that are there go on. */
    @Test
    void aServerThatExitsAndReturnsIsConnectedToAgain() throws Exception {
        final Path exit = dir.resolve("exit");
        final String[] command = {
            "--filter=exitwhen", "file", image.toString(), "exit-when-file-created=" + exit, "exit-when-poll=1"
        };
        try (Peer first = nbdkit(command);
                NbdVolume volume = open("&connections=4&reconnect=60")) {
            volume.write(0, ByteBuffer.wrap(new byte[] {1}), Set.of());
            Files.writeString(exit, "");
            model[0] = 1;
            exercise(volume);
            Files.delete(exit);
            first.ask(); // it answers ESHUTDOWN from now on, and goes when its clients have gone
            final CompletableFuture<Void> writing = CompletableFuture.runAsync(() -> {
                try {
                    volume.write(1, ByteBuffer.wrap(new byte[] {2}), Set.of());
                    volume.flush();
                } catch (final IOException e) {
                    throw new IllegalStateException(e);
                }
            });
            first.awaitEnd();
            Files.deleteIfExists(socket);
            try (Peer second = nbdkit(command)) {
                writing.join();
                model[1] = 2;
                assertThat(Files.readAllBytes(image)).isEqualTo(model);
            }
        }
    }

    /** Writers go on while their server is killed and started again, over and over; what was answered and flushed is there. */
    @Test
    void writersSurviveAServerThatIsKilledAgainAndAgain() throws Exception {
        final String[] command = {"file", image.toString()};
        Peer server = nbdkit(command);
        try (NbdVolume volume = open("&reconnect=60")) {
            final CompletableFuture<Void> working = CompletableFuture.runAsync(() -> {
                try {
                    exercise(volume);
                } catch (final Exception e) {
                    throw new IllegalStateException(e);
                }
            });
            for (int i = 0; i < 4; i++) {
                volume.read(0, ByteBuffer.allocate(1)); // it serves
                server.close();
                Files.deleteIfExists(socket);
                server = nbdkit(command);
            }
            working.join();
        } finally {
            server.close();
        }
    }
}
