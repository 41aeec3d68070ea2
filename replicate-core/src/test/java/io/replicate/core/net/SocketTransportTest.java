package io.replicate.core.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.replicate.core.block.Block;
import io.replicate.core.posix.Errnos;
import io.replicate.core.posix.Fd;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Posix;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.Inet6Address;
import java.net.NetworkInterface;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(240)
class SocketTransportTest {
    private static final Duration LONG = Duration.ofSeconds(20);

    private static Listener listen(final String text) throws IOException {
        final Locator locator = Locator.parse(text);
        return Providers.transport(locator).listen(locator);
    }

    private static Link connect(final String text) throws IOException {
        final Locator locator = Locator.parse(text);
        return Providers.transport(locator).connect(locator, LONG);
    }

    private static int port(final Listener listener) throws IOException {
        return HostAndPort.of(listener.local()).port();
    }

    @ParameterizedTest
    @ValueSource(strings = {"true", "false"})
    void anEmptyHostListensAtEveryAddressOfBothFamilies(final String nativeSockets) throws Exception {
        final NetworkInterface loopback = NetworkInterface.getByName("lo");
        Assumptions.assumeTrue(
                loopback != null && loopback.inetAddresses().anyMatch(Inet6Address.class::isInstance),
                "missing kernel feature: no IPv6 loopback");
        try (Listener listener = listen("tcp://:0?native=" + nativeSockets)) {
            for (final String host : List.of("127.0.0.1", "[::1]", "localhost", "")) {
                try (Link near = connect("tcp://" + host + ":" + port(listener) + "?native=" + nativeSockets);
                        Link far = listener.accept(LONG)) {
                    assertThat(far).as(host).isNotNull();
                    near.send(ByteBuffer.allocate(1));
                    assertThat(far.receive(ByteBuffer.allocate(1))).isEqualTo(1);
                }
            }
        }
    }

    @Test
    void everyAddressOfAHostIsTried() throws Exception {
        // localhost is [::1] as well wherever there is IPv6, and nobody listens there
        try (Listener listener = listen("tcp://127.0.0.1:0");
                Link near = connect("tcp://localhost:" + port(listener))) {
            assertThat(near.peer().address()).isEqualTo("127.0.0.1:" + port(listener));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "?native=false"})
    void aRefusedConnectionIsToldInTheWordsOfTheSystem(final String parameters) throws Exception {
        final int free;
        try (Listener listener = listen("tcp://127.0.0.1:0")) {
            free = port(listener);
        }
        assertThatThrownBy(() -> connect("tcp://127.0.0.1:" + free + parameters).close())
                .hasMessage("connect to tcp://127.0.0.1:" + free + parameters + ": 127.0.0.1:" + free
                        + ": Connection refused");
    }

    @ParameterizedTest
    @ValueSource(strings = {"bind=127.0.0.2", "bind=127.0.0.2&native=false"})
    void aLocalAddressCanBeChosen(final String parameters) throws Exception {
        try (Listener listener = listen("tcp://127.0.0.1:0");
                Link near = connect(listener.local() + "?" + parameters);
                Link far = listener.accept(LONG)) {
            assertThat(near.peer().address()).isEqualTo("127.0.0.1:" + port(listener));
            assertThat(far.peer().address()).startsWith("127.0.0.2:");
        }
    }

    @Test
    void anInterfaceCanBeChosen() throws Exception {
        Assumptions.assumeTrue(
                NetworkInterface.getByName("lo") != null, "missing kernel feature: no interface named lo");
        try (Listener listener = listen("tcp://:0?interface=lo");
                Link near = connect("tcp://127.0.0.1:" + port(listener) + "?interface=lo");
                Link far = listener.accept(LONG)) {
            assertThat(far.peer().address()).startsWith("127.0.0.1:");
            assertThat(near.peer().address()).startsWith("127.0.0.1:");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "tcp:",
                "tcp://",
                "tcp://host",
                "tcp://host:",
                "tcp://host:port",
                "tcp://host:65536",
                "tcp://host:-1",
                "tcp://::1:80",
                "tcp://[::1:80",
                "tcp:host:80",
                "tcp://host:80/path",
                "tcp://host:80?unknown=1",
                "tcp://host:80?sndbuf=none",
                "tcp://host:80?rcvbuf=-1",
                "tcp://host:80?native=maybe",
                "tcp://127.0.0.1:80?interface=nosuch0",
                "tcp://127.0.0.1:80?interface=lo&bind=127.0.0.1",
                "unix:",
                "unix:/tmp/x?bind=1",
                "unix://tmp/x"
            })
    void aWrongAddressIsTheUsersMistake(final String text) {
        assertThatThrownBy(() -> connect(text).close())
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).as(text).isEqualTo(Category.MISUSE));
    }

    @Test
    void anUnknownHostIsWorthAnotherTry() {
        assertThatThrownBy(() -> connect("tcp://no-such-host.invalid:1").close())
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.RETRY))
                .hasMessageContaining("no-such-host.invalid");
    }

    @Test
    void buffersAreAsLargeAsAskedFor() throws Exception {
        try (Listener listener = listen("tcp://127.0.0.1:0?rcvbuf=65536");
                Link near = connect(listener.local() + "?sndbuf=32768");
                Link far = listener.accept(LONG)) {
            near.timeout(Duration.ofMillis(200));
            // Linux doubles both numbers for its own bookkeeping; without them it takes megabytes.
            assertThatThrownBy(() -> near.send(ByteBuffer.allocateDirect(1 << 20)))
                    .isInstanceOf(ReplicationException.class);
            assertThat(far.fd()).isPresent();
        }
    }

    @Test
    void aNumberInUseIsNotGivenBackByClose() throws Exception {
        final Posix posix = Posix.get();
        try (LoopbackLinks links = LoopbackLinks.open()) {
            final Fd fd = links.near().fd().orElseThrow();
            final int number = fd.acquire();

            links.near().close();

            assertThat(posix.fcntl(number, Linux.F_GETFL, 0)).isPositive();
            assertThat(links.far().receive(ByteBuffer.allocate(1)))
                    .as("but the stream is ended")
                    .isEqualTo(-1);
            fd.release();
            assertThatThrownBy(fd::acquire).hasMessageContaining(Errnos.name(Errnos.EBADF));
        }
    }

    @Test
    void nioLinksHaveNoDescriptor() throws Exception {
        try (Listener listener = listen("tcp://127.0.0.1:0?native=false");
                Link near = connect(listener.local() + "?native=false")) {
            assertThat(near.fd()).isEmpty();
        }
    }

    @Test
    void framesAreSentAndReceivedWithoutGarbage() throws Exception {
        final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Assumptions.assumeTrue(
                threads.isThreadAllocatedMemorySupported(), "missing tool: a JVM that counts allocations");
        final int rounds = 2000;
        final Block block = Block.unpooled(64 << 10);
        final ByteBuffer payload = block.space();
        final FrameHeader header = new FrameHeader();
        final ByteBuffer into = ByteBuffer.allocateDirect(64 << 10);
        try (LoopbackLinks links = LoopbackLinks.open()) {
            final CompletableFuture<Long> received = CompletableFuture.supplyAsync(() -> {
                try {
                    long begin = 0;
                    long bytes = 0;
                    for (long left = 2L * rounds * (payload.capacity() + FrameHeader.LENGTH); left > 0; ) {
                        left -= links.far().receive(into.clear());
                        bytes = threads.getCurrentThreadAllocatedBytes();
                        if (begin == 0 && left < (long) rounds * payload.capacity()) {
                            begin = bytes;
                        }
                    }
                    return bytes - begin;
                } catch (final IOException e) {
                    throw new AssertionError(e);
                }
            });
            sendFrames(links.near(), header, payload, rounds); // until it is compiled
            final long begin = threads.getCurrentThreadAllocatedBytes();
            sendFrames(links.near(), header, payload, rounds);
            final long sent = threads.getCurrentThreadAllocatedBytes() - begin;

            // an array for the variable arguments, where the compiler does not see that it can go
            assertThat(sent / rounds).as("bytes per frame sent").isLessThan(64);
            assertThat(received.join() / rounds).as("bytes per frame received").isLessThan(64);
        } finally {
            block.release();
        }
    }

    private static void sendFrames(
            final Link link, final FrameHeader header, final ByteBuffer payload, final int rounds) throws IOException {
        for (int i = 0; i < rounds; i++) {
            header.set(1, 0, 0, i, payload.capacity(), payload.capacity(), 0);
            link.send(header.seal(), payload.clear());
        }
    }

    @Test
    void aFrameArrivesAsItWasSent() throws Exception {
        final Block sent = Block.unpooled(1000);
        sent.space().putInt(0, 0xdada);
        sent.length(1000);
        final Block received = Block.unpooled(4096);
        try (LoopbackLinks links = LoopbackLinks.open()) {
            Links.send(links.near(), new FrameHeader().set(7, 0, 0, 4096, 1000, 1000, 0), sent);
            final FrameHeader header = new FrameHeader();

            assertThat(Links.receiveHeader(links.far(), header, received.capacity()))
                    .isTrue();
            Links.receivePayload(links.far(), header, received);

            assertThat(sent.refCnt()).isZero();
            assertThat(header.position()).isEqualTo(4096);
            assertThat(received.length()).isEqualTo(1000);
            assertThat(received.bytes().getInt()).isEqualTo(0xdada);
            links.near().close();
            assertThat(Links.receiveHeader(links.far(), header, received.capacity()))
                    .isFalse();
        } finally {
            received.release();
        }
    }

    @Test
    void aStreamThatEndsInsideAFrameIsWorthAnotherTry() throws Exception {
        try (LoopbackLinks links = LoopbackLinks.open()) {
            links.near().send(ByteBuffer.allocate(10));
            links.near().close();

            assertThatThrownBy(() -> Links.receiveHeader(links.far(), new FrameHeader(), 0))
                    .isInstanceOfSatisfying(
                            ReplicationException.class,
                            e -> assertThat(e.category()).isEqualTo(Category.RETRY))
                    .hasMessageContaining("10 bytes of 32");
        }
    }
}
