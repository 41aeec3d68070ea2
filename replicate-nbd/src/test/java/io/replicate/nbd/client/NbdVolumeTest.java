package io.replicate.nbd.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.block.Block;
import io.replicate.core.memory.MemoryVolume;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Volume;
import io.replicate.nbd.server.Export;
import io.replicate.nbd.server.NbdServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class NbdVolumeTest {
    private static final int SIZE = 8 << 20;

    private static NbdServer serve(MemoryVolume volume, int port) throws IOException {
        return NbdServer.builder()
                .export(Export.of("disk", volume))
                .tcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
                .start();
    }

    private static NbdVolume open(NbdServer server, String more) throws IOException {
        return NbdVolume.open(NbdAddress.of(Locator.parse("nbd://localhost:" + server.port() + "/disk" + more)));
    }

    /** Several threads, each with its own part of the volume, against a model in memory. */
    @Test
    void severalConnectionsAgreeWithAModel() throws Exception {
        final long seed = System.nanoTime();
        final MemoryVolume stored = new MemoryVolume("model", SIZE);
        final byte[] model = new byte[SIZE];
        final int threads = 4;
        final ExecutorService pool = Executors.newFixedThreadPool(threads);
        try (NbdServer server = serve(stored, 0);
                NbdVolume volume = open(server, "?connections=" + threads)) {
            final List<Future<?>> running = new ArrayList<>();
            for (int t = 0; t < threads; t++) {
                final Random random = new Random(seed + t);
                final int from = t * (SIZE / threads);
                running.add(pool.submit(() -> {
                    exercise(volume, model, random, from, SIZE / threads);
                    return null;
                }));
            }
            for (final Future<?> f : running) {
                f.get();
            }
            volume.flush();
            final ByteBuffer all = ByteBuffer.allocateDirect(SIZE);
            volume.read(0, all);
            assertThat(all.flip()).isEqualTo(ByteBuffer.wrap(model));
            final ByteBuffer direct = ByteBuffer.allocate(SIZE);
            stored.read(0, direct);
            assertThat(direct.flip()).isEqualTo(ByteBuffer.wrap(model));
        } catch (final Throwable e) {
            throw new AssertionError("seed " + seed, e);
        } finally {
            pool.shutdownNow();
        }
    }

    private static void exercise(NbdVolume volume, byte[] model, Random random, int from, int size) throws IOException {
        for (int i = 0; i < 200; i++) {
            final int length = 1 + random.nextInt(random.nextInt(4) == 0 ? 1 << 20 : 5000);
            final int at = from + random.nextInt(size - length);
            final Set<Volume.Flag> fua = random.nextBoolean() ? Set.of() : Set.of(Volume.Flag.FUA);
            switch (random.nextInt(5)) {
                case 0, 1 -> {
                    final byte[] bytes = new byte[length];
                    random.nextBytes(bytes);
                    System.arraycopy(bytes, 0, model, at, length);
                    volume.write(at, ByteBuffer.wrap(bytes), fua);
                }
                case 2 -> {
                    java.util.Arrays.fill(model, at, at + length, (byte) 0);
                    volume.zero(at, length, random.nextBoolean() ? fua : Set.of(Volume.Flag.NO_HOLE));
                }
                case 3 -> {
                    java.util.Arrays.fill(model, at, at + length, (byte) 0);
                    volume.trim(at, length, fua); // in memory, what is trimmed is zero
                }
                default -> {
                    final ByteBuffer into =
                            random.nextBoolean() ? ByteBuffer.allocate(length) : ByteBuffer.allocateDirect(length);
                    volume.read(at, into);
                    assertThat(into.flip()).isEqualTo(ByteBuffer.wrap(model, at, length));
                }
            }
            if (random.nextInt(20) == 0) {
                volume.flush();
            }
        }
    }

    @Test
    void extentsAndPlansTellDataFromHoles() throws Exception {
        final MemoryVolume stored = new MemoryVolume("x", SIZE);
        stored.write(1 << 20, ByteBuffer.allocate(1 << 16).put(5, (byte) 1), Set.of());
        try (NbdServer server = serve(stored, 0);
                NbdVolume volume = open(server, "")) {
            assertThat(volume.info().extended()).isTrue();
            assertThat(volume.extents(0, SIZE, 10)).isEqualTo(stored.extents(0, SIZE, 10));
            assertThat(volume.extents(100, 50, 10)).containsExactly(Extent.hole(100, 50));

            final List<Extent> planned = new ArrayList<>();
            try (Plan<Extent> plan = volume.plan(Selection.ALL)) {
                assertThat(plan.totalBytes()).isEqualTo(SIZE);
                for (Extent e = plan.next(); e != null; e = plan.next()) {
                    planned.add(e);
                }
            }
            assertThat(planned).isEqualTo(stored.extents(0, SIZE, 10));
        }
    }

    @Test
    void aBlockIsReadToItsTrueLength() throws Exception {
        try (NbdServer server = serve(new MemoryVolume("x", SIZE), 0);
                NbdVolume volume = open(server, "")) {
            final Block block = Block.unpooled(4096);
            try {
                assertThat(volume.read(Extent.data(SIZE - 10, 4096), block)).isEqualTo(10);
                assertThat(volume.read(Extent.data(SIZE, 4096), block)).isEqualTo(-1);
            } finally {
                block.release();
            }
        }
    }

    @Test
    void theServersDirtyBitmapSelectsWhatToCopy() throws Exception {
        try (NbdServer server = serve(new MemoryVolume("x", SIZE), 0);
                NbdVolume volume = open(server, "")) {
            server.exports().get(0).volume().add("b", 65536);
            volume.write(3 * 65536, ByteBuffer.wrap(new byte[] {1}), Set.of());

            try (Plan<Extent> plan = volume.plan(new Selection.Bitmap("b"))) {
                assertThat(plan.next()).isEqualTo(Extent.data(3 * 65536, 65536));
                assertThat(plan.next()).isNull();
            }
            assertThatThrownBy(() -> volume.plan(new Selection.Bitmap("nope")))
                    .isInstanceOf(ReplicationException.class);
        }
    }

    @Test
    void aServerThatComesBackIsConnectedToAgain() throws Exception {
        final MemoryVolume stored = new MemoryVolume("x", SIZE);
        NbdServer server = serve(stored, 0);
        final int port = server.port();
        try (NbdVolume volume = open(server, "?reconnect=20")) {
            volume.write(0, ByteBuffer.wrap(new byte[] {1, 2, 3}), Set.of());
            server.close();
            server = serve(stored, port);

            final ByteBuffer into = ByteBuffer.allocate(3);
            volume.read(0, into);

            assertThat(into.array()).containsExactly(1, 2, 3);
        } finally {
            server.close();
        }
    }

    @Test
    void withoutTimeToReconnectALostServerIsAFailureToRetry() throws Exception {
        final NbdServer server = serve(new MemoryVolume("x", SIZE), 0);
        try (NbdVolume volume = open(server, "?reconnect=0")) {
            server.close();

            assertThatThrownBy(() -> volume.read(0, ByteBuffer.allocate(3)))
                    .isInstanceOfSatisfying(
                            ReplicationException.class,
                            e -> assertThat(e.category()).isEqualTo(ReplicationException.Category.RETRY));
        }
    }

    @Test
    void unknownExportsAreTheUsersMistake() throws Exception {
        try (NbdServer server = serve(new MemoryVolume("x", SIZE), 0)) {
            final NbdAddress address = NbdAddress.of(Locator.parse("nbd://localhost:" + server.port() + "/nope"));

            assertThatThrownBy(() -> NbdVolume.open(address))
                    .isInstanceOf(ReplicationException.class)
                    .hasMessageContaining("nope");
            assertThat(NbdClient.list(address)).containsOnlyKeys("disk");
        }
    }

    @Test
    void aSocketThatIsNotThereIsNamed() throws Exception {
        final NbdAddress nowhere =
                NbdAddress.of(Locator.parse("nbd+unix:///?socket=/nonexistent/nbd.sock&reconnect=0"));

        assertThatThrownBy(() -> NbdVolume.open(nowhere))
                .isInstanceOf(ReplicationException.class)
                .hasMessage("cannot connect to nbd+unix:/nonexistent/nbd.sock: there is no such socket");
    }
}
