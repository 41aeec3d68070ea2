package io.replicate.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.buffer.AbstractByteBufAllocator;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.embedded.EmbeddedChannel;
import io.replicate.core.memory.MemoryVolume;
import io.replicate.core.spi.Volume;
import io.replicate.nbd.protocol.Nbd;
import io.replicate.nbd.protocol.ReceiveBuffers;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a connection may wait for comes, or the wait ends. */
@Timeout(240)
class EveryWaitEndsTest {
    private static final int SIZE = 4 << 20;
    /** Longer than what is in memory at once. */
    private static final int LONG = (1 << 20) + 4096;

    private static final AbstractByteBufAllocator NO_MEMORY = new AbstractByteBufAllocator(true) {
        @Override
        public boolean isDirectBufferPooled() {
            return false;
        }

        @Override
        protected ByteBuf newHeapBuffer(int initial, int maximum) {
            return newDirectBuffer(initial, maximum);
        }

        @Override
        protected ByteBuf newDirectBuffer(int initial, int maximum) {
            throw new OutOfMemoryError("Cannot reserve " + initial + " bytes of direct buffer memory");
        }
    };

    private static NbdServer serve(Volume volume, ServerLimits limits) throws IOException {
        return NbdServer.builder()
                .export(Export.of("", volume))
                .tcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .limits(limits)
                .start();
    }

    private static Volume heldUpByTrim(CountDownLatch gate) throws IOException {
        final MemoryVolume memory = new MemoryVolume("slow", SIZE);
        TestServer.fill(memory, 0, SIZE);
        return Intercepted.volume(memory, (call, arguments) -> {
            if (call.equals("trim")) {
                try {
                    if (!gate.await(120, TimeUnit.SECONDS)) {
                        throw new IOException("nobody opened the gate");
                    }
                } catch (final InterruptedException e) {
                    throw new IOException(e);
                }
            }
        });
    }

    private static void add(RawClient c, int flags, int type, long cookie, long offset, int length) throws IOException {
        c.out.writeInt(Nbd.REQUEST_MAGIC);
        c.out.writeShort(flags);
        c.out.writeShort(type);
        c.out.writeLong(cookie);
        c.out.writeLong(offset);
        c.out.writeInt(length);
    }

    /** A reply that must not be cut begins when the others are out: then, and not never. */
    @ParameterizedTest
    @CsvSource({"false, false", "false, true", "true, false", "true, true"})
    void aLongReadBehindASlowRequestComesWhenThatIsAnswered(boolean structured, boolean halfClosed) throws Exception {
        final CountDownLatch gate = new CountDownLatch(1);
        try (NbdServer server = serve(heldUpByTrim(gate), ServerLimits.defaults());
                RawClient c = new RawClient(server.port()).greet()) {
            if (structured) {
                c.ask(Nbd.OPT_STRUCTURED_REPLY);
            }
            c.go("");
            add(c, 0, Nbd.CMD_TRIM, 1, SIZE - 4096, 4096);
            add(c, 0, Nbd.CMD_FLUSH, 2, 0, 0);
            add(c, structured ? Nbd.CMD_FLAG_DF : 0, Nbd.CMD_READ, 3, 0, LONG);
            c.out.flush(); // in one segment: when the flush is answered, the server has the read too
            assertThat(c.simpleReply(2)).isZero();
            if (halfClosed) {
                c.socket.shutdownOutput();
            }

            gate.countDown();

            assertThat(c.simpleReply(1)).isZero();
            final byte[] expected = TestServer.bytes(0, LONG);
            if (structured) {
                final RawClient.Chunk data = c.chunk();
                assertThat(data.data().position(8).slice()).isEqualTo(java.nio.ByteBuffer.wrap(expected));
                assertThat(data.done() || c.chunk().done()).isTrue();
            } else {
                assertThat(c.simpleReply(3)).isZero();
                assertThat(c.in.readNBytes(LONG)).isEqualTo(expected);
            }
            if (!halfClosed) {
                c.request(0, Nbd.CMD_FLUSH, 4, 0, 0);
                assertThat(c.simpleReply(4)).isZero();
                c.socket.shutdownOutput();
            }
            assertThat(c.atEnd()).isTrue();
        } finally {
            gate.countDown();
        }
    }

    /** A client that has to take replies first, as all clients together hold too much, goes on when it has taken them. */
    @ParameterizedTest
    @CsvSource({"262144, 128", "4194304, 16"}) // from what is gathered, and piece by piece: more than sockets hold
    void aClientThatFindsTheBudgetUsedUpGoesOnWhenItHasTakenItsReplies(int length, int count) throws Exception {
        final MemoryVolume volume = new MemoryVolume("full", SIZE);
        TestServer.fill(volume, 0, SIZE);
        final ServerLimits used = new ServerLimits(10, Duration.ofSeconds(60), 16 << 20, 1);
        try (NbdServer server = serve(volume, used);
                RawClient c = new RawClient(server.port())) {
            c.simple("");
            for (int i = 0; i < count; i++) {
                add(c, 0, Nbd.CMD_READ, i, 0, length);
            }
            c.out.flush();

            for (int i = 0; i < count; i++) {
                assertThat(c.simpleReply(i)).isZero();
                assertThat(c.in.readNBytes(length)).isEqualTo(TestServer.bytes(0, length));
            }
        }
    }

    /** How a client may say that nothing more comes. */
    enum LastWord {
        GOODBYE,
        HALF_CLOSE,
        BOTH,
        NONSENSE
    }

    @ParameterizedTest
    @EnumSource
    void aClientThatSaysItsLastWordAndTakesNoReplyIsLeft(LastWord word) throws Exception {
        final MemoryVolume volume = new MemoryVolume("full", SIZE);
        TestServer.fill(volume, 0, SIZE);
        final ServerLimits limits = ServerLimits.defaults().handshake(Duration.ofSeconds(4));
        try (NbdServer server = serve(volume, limits);
                RawClient c = new RawClient(server.port())) {
            c.socket.setReceiveBufferSize(4096);
            c.simple("");
            for (int i = 0; i < 3; i++) {
                add(c, 0, Nbd.CMD_READ, i, 0, SIZE);
            }
            if (word == LastWord.NONSENSE) {
                c.out.write(new byte[28]);
            } else if (word != LastWord.HALF_CLOSE) {
                add(c, 0, Nbd.CMD_DISC, 0, 0, 0);
            }
            c.out.flush();
            if (word == LastWord.HALF_CLOSE || word == LastWord.BOTH) {
                c.socket.shutdownOutput();
            }

            await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> {
                assertThat(server.clients()).isZero();
                assertThat(server.memoryInUse()).isZero();
            });
        }
    }

    /** A socket that takes as much as a test says. */
    private static final class Slow extends EmbeddedChannel {
        private long takes;

        @Override
        protected void doWrite(ChannelOutboundBuffer in) {
            for (; takes > 0 && in.current() != null; takes--) {
                in.removeBytes(1);
            }
        }

        private void take(long bytes) {
            takes = bytes;
            flush();
        }

        private void after(long ms) {
            advanceTimeBy(ms, TimeUnit.MILLISECONDS);
            runScheduledPendingTasks();
        }
    }

    @Test
    void whoTakesAByteInTimeIsNotLeftAndWhoTakesNoneIs() {
        final Slow channel = new Slow();
        channel.freezeTime();
        final Standstill standstill = new Standstill(channel);
        standstill.watch(Duration.ofMillis(1000));
        channel.after(1000);
        channel.after(1000);
        assertThat(channel.isOpen()).as("nothing is queued").isTrue();

        channel.writeAndFlush(Unpooled.buffer().writeZero(100));
        channel.writeAndFlush(Unpooled.buffer().writeZero(100));
        for (int i = 0; i < 150; i++) {
            channel.after(1000);
            assertThat(channel.isOpen()).isTrue();
            channel.take(1);
        }
        channel.after(1000);
        assertThat(channel.isOpen()).isTrue();
        channel.after(1000);
        assertThat(channel.isOpen()).isFalse();
    }

    /** One that asks for as much again as it took: its queue is always as long. */
    @Test
    void whoTakesRepliesAsFastAsItAsksForMoreIsNotLeft() {
        final Slow channel = new Slow();
        channel.freezeTime();
        final Standstill standstill = new Standstill(channel);
        channel.writeAndFlush(Unpooled.buffer().writeZero(100));
        channel.writeAndFlush(Unpooled.buffer().writeZero(100));
        channel.take(50);
        standstill.watch(Duration.ofMillis(1000));
        for (int i = 0; i < 5; i++) {
            channel.take(100);
            channel.writeAndFlush(Unpooled.buffer().writeZero(100));
            channel.after(1000);
            assertThat(channel.isOpen()).isTrue();
        }
        channel.after(1000);
        assertThat(channel.isOpen()).isFalse();
    }

    private static Slow transmitting(MemoryBudget budget, Executor workers) throws IOException {
        final MemoryVolume volume = new MemoryVolume("full", SIZE);
        TestServer.fill(volume, 0, SIZE);
        final ServerSettings settings = new ServerSettings(
                new ExportTable(List.of(Export.of("", volume))),
                null,
                false,
                true,
                AccessList.everybody(),
                ServerLimits.defaults());
        final Slow channel = new Slow();
        channel.freezeTime();
        channel.pipeline()
                .addLast(new Connection(channel, settings, budget, workers, new ReceiveBuffers(), true))
                .fireChannelActive();
        return channel;
    }

    private static ByteBuf request(ByteBuf to, int type, long cookie, int length) {
        return to.writeInt(Nbd.REQUEST_MAGIC)
                .writeInt(type)
                .writeLong(cookie)
                .writeLong(0)
                .writeInt(length);
    }

    private static Transmission structured(Slow channel, Volume volume, MemoryBudget budget, Executor workers)
            throws IOException {
        return new Transmission(
                channel,
                new Negotiated(Export.of("", volume), true, false, List.of(), false),
                ServerLimits.defaults(),
                budget,
                workers,
                new ReceiveBuffers(),
                false,
                () -> {});
    }

    /** Many requests in one packet: the first that uses the budget up is the last that is begun. */
    @Test
    void oneClientDoesNotTakeItsFillBeforeTheOthersSeeIt() throws Exception {
        final MemoryBudget budget = new MemoryBudget(1 << 20);
        final List<Runnable> begun = new ArrayList<>();
        final MemoryVolume volume = new MemoryVolume("full", SIZE);
        TestServer.fill(volume, 0, SIZE);
        final Transmission transmission = structured(new Slow(), volume, budget, begun::add);
        final ByteBuf packet = Unpooled.buffer();
        for (int i = 0; i < 10; i++) {
            request(packet, Nbd.CMD_READ, i, 1 << 20);
        }

        transmission.receive(packet);

        assertThat(begun).hasSize(1);
        assertThat(budget.held()).isBetween(1L << 20, 2L << 20);
        transmission.closed();
    }

    /** Nothing but the word that it is a hole waits for a client that reads one; not the room that its data would need. */
    @Test
    void aReadOfHolesHoldsNoMemoryForTheirBytes() throws Exception {
        final MemoryBudget budget = new MemoryBudget(1 << 30);
        final Slow channel = new Slow();
        final UnpooledByteBufAllocator memory = new UnpooledByteBufAllocator(true);
        channel.config().setAllocator(memory);
        final Transmission transmission = structured(channel, new MemoryVolume("holes", SIZE), budget, Runnable::run);
        for (int i = 0; i < 100; i++) {
            transmission.receive(request(Unpooled.buffer(), Nbd.CMD_READ, i, 1 << 20));
            channel.runPendingTasks();
        }

        assertThat(budget.held()).as("the replies wait").isPositive();
        assertThat(memory.metric().usedDirectMemory()).isLessThan(1 << 20);
        transmission.closed();
    }

    /** Two reads are reported together, and memory runs out at the first answer: what both hold is given back. */
    @Test
    void memoryThatRanOutIsNotLostToo() throws Exception {
        final MemoryBudget budget = new MemoryBudget(1 << 30);
        final Slow channel = new Slow();
        final UnpooledByteBufAllocator memory = new UnpooledByteBufAllocator(true);
        channel.config().setAllocator(memory);
        final List<Runnable> begun = new ArrayList<>();
        final Transmission transmission = structured(channel, new MemoryVolume("holes", SIZE), budget, begun::add);
        transmission.receive(request(Unpooled.buffer(), Nbd.CMD_READ, 1, 1 << 20));
        transmission.receive(request(Unpooled.buffer(), Nbd.CMD_READ, 2, 1 << 20));
        begun.forEach(Runnable::run);
        channel.config().setAllocator(NO_MEMORY);

        channel.runPendingTasks();
        transmission.closed();
        channel.runPendingTasks();

        assertThat(begun).hasSize(2);
        assertThat(budget.held()).isZero();
        assertThat(memory.metric().usedDirectMemory()).isZero();
    }

    /** Memory runs out where the event loop would pass over it: the client does not wait for ever. */
    @Test
    void aClientWhoseReplyFindsNoMemoryIsLeft() throws Exception {
        final MemoryBudget budget = new MemoryBudget(1 << 20);
        final Slow channel = transmitting(budget, Runnable::run);
        channel.config().setAllocator(NO_MEMORY);

        channel.writeInbound(request(Unpooled.buffer(), Nbd.CMD_FLUSH, 1, 0));

        assertThat(channel.isOpen()).isFalse();
        assertThat(budget.held()).isZero();
    }

    /** One whose window is full: nothing is read from it, not even its goodbye. */
    @Test
    void aClientThatFreezesWithRepliesUnreadIsLeftInTheEnd() throws Exception {
        final MemoryBudget budget = new MemoryBudget(1 << 30);
        final Slow channel = transmitting(budget, Runnable::run);
        for (int i = 0; i < 100; i++) {
            channel.writeInbound(request(Unpooled.buffer(), Nbd.CMD_READ, i, 128 << 10));
        }
        assertThat(budget.held()).isGreaterThan(1 << 20);

        channel.after(Standstill.FROZEN.toMillis() - 1);
        assertThat(channel.isOpen()).isTrue();
        channel.after(Standstill.FROZEN.toMillis() + 1);

        assertThat(channel.isOpen()).isFalse();
        assertThat(budget.held()).isZero();
    }
}
