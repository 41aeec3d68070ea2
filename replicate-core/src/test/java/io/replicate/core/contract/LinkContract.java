package io.replicate.core.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.posix.Fd;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Posix;
import io.replicate.core.spi.FileSlice;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The behaviour of every {@link Link}, whatever it runs over. */
@Timeout(240)
public abstract class LinkContract {
    /** Short enough to wait for, and long enough for a busy machine to do something useful in. */
    protected static final Duration SHORT = Duration.ofMillis(200);

    private static final int LARGE_BYTES = 24 << 20;

    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        final Thread thread = new Thread(task, "contract");
        thread.setDaemon(true);
        return thread;
    });

    /** Two links that are each other's other side. */
    protected record Pair(Link near, Link far) {
        /** Joins two links by name. */
        public Pair {}
    }

    /** Makes two links that are joined; each test calls it once. Both are closed behind the test. */
    protected abstract Pair newPair() throws Exception;

    private Link near;
    private Link far;

    @BeforeEach
    final void joinTwoLinks() throws Exception {
        final Pair pair = newPair();
        near = pair.near();
        far = pair.far();
    }

    @AfterEach
    final void closeBothLinks() throws Exception {
        near.close();
        far.close();
        threads.shutdownNow();
    }

    /** Runs something on a thread of its own. */
    protected final <T> Future<T> async(final Callable<T> task) {
        return threads.submit(task);
    }

    /** Returns what a task returned, or throws what it threw. */
    protected static <T> T result(final Future<T> task) throws Exception {
        try {
            return task.get(30, TimeUnit.SECONDS);
        } catch (final ExecutionException e) {
            if (e.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw e;
        }
    }

    /** Receives up to the end of the stream, or up to {@code limit} bytes. */
    protected static byte[] receive(final Link link, final int limit) throws IOException {
        final ByteBuffer into = ByteBuffer.allocate(limit);
        while (into.hasRemaining() && link.receive(into) >= 0) {
            // goes on
        }
        return Arrays.copyOf(into.array(), into.position());
    }

    private static byte[] random(final int length, final long seed) {
        final byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static ByteBuffer direct(final byte[] bytes) {
        return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    }

    private static Block block(final BlockPool pool, final byte[] bytes) throws IOException {
        final Block block = pool.take();
        block.space().put(bytes);
        block.length(bytes.length);
        return block;
    }

    @Test
    final void anEchoComesBack() throws Exception {
        final byte[] message = "are you there?".getBytes(java.nio.charset.StandardCharsets.UTF_8);

        near.send(ByteBuffer.wrap(message));
        far.send(ByteBuffer.wrap(receive(far, message.length)));

        assertThat(receive(near, message.length)).isEqualTo(message);
    }

    @Test
    final void buffersOfEveryKindArriveInOrder() throws Exception {
        final Random random = new Random(7);
        final ByteBuffer[] buffers = new ByteBuffer[150];
        final ByteBuffer expected = ByteBuffer.allocate(16 << 20);
        for (int i = 0; i < buffers.length; i++) {
            final byte[] bytes = random(i % 10 == 0 ? random.nextInt(200_000) : random.nextInt(3) * 17, i);
            expected.put(bytes);
            buffers[i] = i % 3 == 0 ? direct(bytes) : ByteBuffer.wrap(bytes);
            if (i % 7 == 0) {
                buffers[i] = buffers[i].asReadOnlyBuffer();
            }
        }

        final Future<byte[]> received = async(() -> receive(far, expected.position()));
        near.send(buffers);

        assertThat(result(received)).isEqualTo(Arrays.copyOf(expected.array(), expected.position()));
        assertThat(buffers).noneMatch(ByteBuffer::hasRemaining);
    }

    @Test
    final void onlyTheRemainingBytesOfABufferAreSentAndFilled() throws Exception {
        near.send(direct(new byte[] {1, 2, 3, 4, 5}).position(1).limit(4));

        final ByteBuffer into = ByteBuffer.allocateDirect(8);
        into.position(2).limit(5);
        while (into.hasRemaining()) {
            assertThat(far.receive(into)).isPositive();
        }

        assertThat(into.clear()).isEqualTo(ByteBuffer.wrap(new byte[] {0, 0, 2, 3, 4, 0, 0, 0}));
    }

    @Test
    final void largeTransfersPassEachOther() throws Exception {
        final byte[] there = random(LARGE_BYTES, 1);
        final byte[] back = random(LARGE_BYTES, 2);

        final Future<byte[]> atFar = async(() -> receive(far, LARGE_BYTES));
        final Future<byte[]> atNear = async(() -> receive(near, LARGE_BYTES));
        final Future<Void> sent = async(() -> {
            far.send(ByteBuffer.wrap(back));
            return null;
        });
        near.send(direct(there));
        result(sent);

        assertThat(Arrays.equals(result(atFar), there)).isTrue();
        assertThat(Arrays.equals(result(atNear), back)).isTrue();
    }

    @Test
    final void blocksArriveAndComeBackToTheirPool() throws Exception {
        try (BlockPool pool = new BlockPool(1 << 16, 100)) {
            final Block[] blocks = new Block[100];
            final ByteBuffer expected = ByteBuffer.allocate(pool.blockBytes() * blocks.length);
            for (int i = 0; i < blocks.length; i++) {
                final byte[] bytes = random(i % 4 == 0 ? 0 : pool.blockBytes() - i, i);
                expected.put(bytes);
                blocks[i] = block(pool, bytes);
            }

            final Future<byte[]> received = async(() -> receive(far, expected.position()));
            near.send(blocks);

            assertThat(result(received)).isEqualTo(Arrays.copyOf(expected.array(), expected.position()));
            assertThat(pool.lent()).isZero();
        }
    }

    @Test
    final void blocksComeBackToTheirPoolWhenASendFails() throws Exception {
        try (BlockPool pool = new BlockPool(1 << 16, 4)) {
            near.close();

            assertThatThrownBy(() -> near.send(block(pool, new byte[10]), block(pool, new byte[20])))
                    .isInstanceOf(IOException.class);

            assertThat(pool.lent()).isZero();
        }
    }

    @Test
    final void aFileRangeIsSent(@TempDir final Path directory) throws Exception {
        final byte[] content = random(3 << 20, 5);
        final Path file = Files.write(directory.resolve("file"), content);
        final Posix posix = Posix.get();

        try (Fd fd = Fd.open(posix, file.toString(), Linux.O_RDONLY, 0)) {
            final FileSlice slice = new FileSlice(fd.acquire(), 4097, content.length - 5000);
            final Future<byte[]> received = async(() -> receive(far, (int) slice.length()));

            assertThat(near.sendFile(slice)).isEqualTo(slice.length());

            assertThat(result(received)).isEqualTo(Arrays.copyOfRange(content, 4097, 4097 + content.length - 5000));
            fd.release();
        }
    }

    @Test
    final void aHeadGoesBeforeItsFile(@TempDir final Path directory) throws Exception {
        final Path file = Files.write(directory.resolve("file"), new byte[] {10, 11, 12, 13});
        final Posix posix = Posix.get();

        try (Fd fd = Fd.open(posix, file.toString(), Linux.O_RDONLY, 0)) {
            final int number = fd.acquire();
            final ByteBuffer head = ByteBuffer.allocateDirect(3).put(new byte[] {1, 2, 3});
            final Future<byte[]> received = async(() -> receive(far, 5 + 100_001 + 3));

            assertThat(near.sendFile(head.flip(), new FileSlice(number, 1, 2))).isEqualTo(2);
            assertThat(near.sendFile(ByteBuffer.wrap(new byte[100_000]), new FileSlice(number, 0, 1)))
                    .isEqualTo(1);
            // nothing comes after this head: it must not wait for more
            assertThat(near.sendFile(head.flip(), new FileSlice(number, 0, 0))).isZero();

            assertThat(result(received))
                    .startsWith(1, 2, 3, 11, 12, 0, 0)
                    .endsWith(0, 0, 10, 1, 2, 3)
                    .hasSize(5 + 100_001 + 3);
            assertThat(head.hasRemaining()).isFalse();
            fd.release();
        }
    }

    @Test
    final void aFileThatIsShorterThanItsRangeFailsTheJob(@TempDir final Path directory) throws Exception {
        final Path file = Files.write(directory.resolve("file"), new byte[1000]);
        final Posix posix = Posix.get();

        try (Fd fd = Fd.open(posix, file.toString(), Linux.O_RDONLY, 0)) {
            final FileSlice slice = new FileSlice(fd.acquire(), 500, 1000);

            assertThatThrownBy(() -> near.sendFile(slice))
                    .isInstanceOfSatisfying(
                            ReplicationException.class,
                            e -> assertThat(e.category()).isEqualTo(Category.FAIL_JOB))
                    .hasMessageContaining("offset=1000");
            fd.release();
        }
    }

    @Test
    final void oneSideCanEndItsStreamAndStillReceive() throws Exception {
        near.send(ByteBuffer.wrap(new byte[] {1, 2, 3}));
        near.shutdownOutput();

        assertThat(receive(far, 100)).containsExactly(1, 2, 3);
        assertThat(far.receive(ByteBuffer.allocate(1))).isEqualTo(-1);

        far.send(ByteBuffer.wrap(new byte[] {4, 5}));
        assertThat(receive(near, 2)).containsExactly(4, 5);
    }

    @Test
    final void aPeerThatClosesEndsTheStream() throws Exception {
        far.send(ByteBuffer.wrap(new byte[] {9}));
        far.close();

        assertThat(receive(near, 100)).containsExactly(9);
    }

    @Test
    final void sendingToAPeerThatHasClosedFails() throws Exception {
        far.close();

        assertThatThrownBy(() -> {
                    while (true) {
                        near.send(ByteBuffer.allocateDirect(1 << 16));
                    }
                })
                .isInstanceOf(ReplicationException.class)
                .satisfies(e -> assertThat(ReplicationException.categoryOf(e)).isEqualTo(Category.RETRY));
    }

    @Test
    final void closingWakesAReceiver() throws Exception {
        final Future<Integer> receiver = async(() -> near.receive(ByteBuffer.allocate(10)));
        assertWaiting(receiver);

        near.close();

        assertCancelled(receiver);
    }

    @Test
    final void closingWakesASender() throws Exception {
        near.timeout(Duration.ofSeconds(60));
        final Future<Void> sender = async(() -> {
            while (true) {
                near.send(ByteBuffer.allocateDirect(1 << 20));
            }
        });
        assertWaiting(sender);

        near.close();

        assertCancelled(sender);
    }

    private static void assertWaiting(final Future<?> task) {
        assertThatThrownBy(() -> task.get(SHORT.toMillis(), TimeUnit.MILLISECONDS))
                .isInstanceOf(TimeoutException.class);
    }

    private static void assertCancelled(final Future<?> task) {
        assertThatThrownBy(() -> result(task))
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.CANCELLED))
                .hasMessageContaining("closed");
    }

    @Test
    final void aClosedLinkIsOfNoUseAndCanBeClosedAgain() throws Exception {
        near.close();
        near.close();

        assertThatThrownBy(() -> near.receive(ByteBuffer.allocate(1))).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> near.send(ByteBuffer.allocate(1))).isInstanceOf(IOException.class);
        assertThatThrownBy(near::shutdownOutput).isInstanceOf(IOException.class);
    }

    @Test
    final void aReceiveThatStandsStillEndsWithRetry() {
        near.timeout(SHORT);

        assertIdle(() -> near.receive(ByteBuffer.allocate(1)));
    }

    @Test
    final void aReceiveIntoADirectBufferThatStandsStillEndsWithRetry() {
        near.timeout(SHORT);

        assertIdle(() -> near.receive(ByteBuffer.allocateDirect(1)));
    }

    @Test
    final void aSendThatStandsStillEndsWithRetry() {
        near.timeout(SHORT);

        assertIdle(() -> {
            while (true) {
                near.send(ByteBuffer.allocateDirect(1 << 20));
            }
        });
    }

    private interface Waiting {
        void run() throws Exception;
    }

    private void assertIdle(final Waiting waiting) {
        assertThatThrownBy(waiting::run)
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.RETRY))
                .hasMessageContaining("200 ms")
                .hasMessageContaining(near.peer().address());
    }

    @Test
    final void receivingIntoAFullBufferIsTheCallersMistake() {
        assertThatThrownBy(() -> near.receive(ByteBuffer.allocate(0))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    final void itSaysWhoIsOnTheOtherSide() {
        assertThat(near.peer().address()).isNotBlank();
        assertThat(far.peer().address()).isNotBlank();
    }
}
