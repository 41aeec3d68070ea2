package io.replicate.ring.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.contract.Seeds;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Transport;
import io.replicate.core.spi.Unit;
import io.replicate.ring.internal.ControlMessage.DataHello;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Bytes that the kernel puts to the target before anybody has looked at them. */
@Timeout(240)
class SpliceStoreTest {
    private static final Path MEMORY = Path.of("/dev/shm");
    private static final int LENGTH = 64 << 10;
    private static final int SIZE = 4 * LENGTH;
    private static final Duration WAIT = Duration.ofSeconds(20);

    private final Random random = Seeds.random("SpliceStoreTest");
    private final StoredBytes nothingStored = StoredBytes.of(null);
    private Path directory = MEMORY;

    @BeforeEach
    void makeDirectory() throws Exception {
        assumeTrue(
                Files.isDirectory(MEMORY)
                        && "tmpfs".equals(Files.getFileStore(MEMORY).type()),
                "missing kernel feature: /dev/shm is no tmpfs");
        directory = Files.createTempDirectory(MEMORY, "replicate-splice-");
    }

    @AfterEach
    void removeDirectory() throws Exception {
        if (!directory.equals(MEMORY)) {
            try (Stream<Path> files = Files.walk(directory)) {
                for (final Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(file);
                }
            }
        }
    }

    /** The next parent may say that the same place is a hole: then nobody writes over what came of the broken frame. */
    @Test
    @SuppressWarnings("unchecked") // file: is a sink of extents
    void ofAFrameThatIsCorruptNothingStaysInTheTarget() throws Exception {
        final Path target = directory.resolve("copy.img");
        try (Transport tcp = Providers.transport(Locator.parse("tcp://"));
                Listener listener = tcp.listen(Locator.parse("tcp://127.0.0.1:0"));
                Link out = tcp.connect(listener.local(), WAIT);
                Wire parent = new Wire(out);
                BlockPool pool = new BlockPool(LENGTH, 2);
                Sink<Extent> sink = (Sink<Extent>) Providers.sink(Locator.file(target.toString()));
                Session<Extent> session = sink.begin(Target.ofSize(SIZE))) {
            try (Wire child = new Wire(Objects.requireNonNull(listener.accept(WAIT)))) {
                child.timeout(WAIT);
                final SpliceStore store = SpliceStore.of(session);
                assertThat(store).isNotNull();
                final byte[] bytes = new byte[LENGTH];
                random.nextBytes(bytes);
                final Block block = pool.take();
                block.length(LENGTH);
                block.bytes().put(bytes);
                final Frame wrong = Frame.data(0, LENGTH, LENGTH, 12345, block);
                parent.send(wrong, nothingStored);
                wrong.release();
                assertThatThrownBy(() -> child.receiveFrame(pool, LENGTH, store))
                        .hasMessageContaining("CRC32C of the payload does not match");
            }
            session.write(new Extent(0, SIZE, Extent.Kind.HOLE), null);
            session.commit(Revision.NONE);
        }
        assertThat(Files.readAllBytes(target)).isEqualTo(new byte[SIZE]);
    }

    /** Another parent would run into the same: the node has failed, and says where. */
    @Test
    @SuppressWarnings("unchecked") // file: is a sink of extents
    void aFullFileSystemIsNoFaultOfTheParent() throws Exception {
        final Path small = Files.createDirectory(directory.resolve("small"));
        assumeTrue(
                run("mount", "-t", "tmpfs", "-o", "size=" + LENGTH, "none", small.toString()),
                "missing kernel feature: mount, which only root may");
        final List<String> blamed = new CopyOnWriteArrayList<>();
        try (Transport tcp = Providers.transport(Locator.parse("tcp://"));
                Listener listener = tcp.listen(Locator.parse("tcp://127.0.0.1:0"));
                Link out = tcp.connect(listener.local(), WAIT);
                Wire parent = new Wire(out);
                BlockPool pool = new BlockPool(SIZE, 2);
                Sink<Extent> sink = (Sink<Extent>)
                        Providers.sink(Locator.file(small.resolve("copy.img").toString()));
                Session<Extent> session = sink.begin(Target.ofSize(Unit.UNKNOWN))) {
            final Feed feed = new Feed(0, 2, true, WAIT, WAIT);
            final DataReceiver receiver = new DataReceiver(
                    feed, pool, WAIT, WAIT, SpliceStore.of(session), (by, reason) -> blamed.add(reason));
            receiver.offer(
                    new Wire(Objects.requireNonNull(listener.accept(WAIT))),
                    new DataHello(ControlMessage.VERSION, "session", 1, SessionContext.SERVER, 0, 1));
            final byte[] bytes = new byte[SIZE];
            random.nextBytes(bytes);
            final Block block = pool.take();
            block.length(SIZE);
            block.bytes().put(bytes);
            final Frame whole = FrameMaker.of(0, block, new CRC32C());
            parent.send(whole, nothingStored);
            whole.release();

            assertThatThrownBy(receiver::run).hasMessageContaining("ENOSPC");
            assertThat(blamed).isEmpty();
            receiver.close();
            feed.fail(new IOException("the end of the test"));
        } finally {
            run("umount", "--lazy", small.toString());
        }
    }

    private static boolean run(final String... command) throws IOException, InterruptedException {
        final Process process =
                new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getInputStream().readAllBytes();
        return process.waitFor() == 0;
    }
}
