package io.replicate.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.replicate.nbd.protocol.Nbd;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class RobustnessTest {
    private static final int REQUESTS = 300;

    private static void assertServes(TestServer test) throws IOException {
        try (RawClient c = test.client().simple("")) {
            c.request(0, Nbd.CMD_READ, 1, 5, 3);
            assertThat(c.simpleReply(1)).isZero();
            assertThat(c.in.readNBytes(3)).isEqualTo(test.stored(5, 3));
        }
    }

    private static void assertLetsGo(TestServer test) {
        await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> {
            assertThat(test.server.clients()).isZero();
            assertThat(test.server.memoryInUse()).isZero();
        });
    }

    @Test
    void randomBytesDoNoHarm() throws Exception {
        final long seed = System.nanoTime();
        final Random random = new Random(seed);
        try (TestServer test = new TestServer()) {
            for (int i = 0; i < 200; i++) {
                final byte[] noise = new byte[random.nextInt(4000)];
                random.nextBytes(noise);
                try (RawClient c = test.client()) {
                    if (random.nextBoolean()) {
                        c.greet(random.nextInt(4));
                    }
                    if (random.nextBoolean()) {
                        c.out.writeLong(Nbd.OPTION_MAGIC);
                        c.out.writeInt(random.nextInt(13));
                        c.out.writeInt(random.nextInt(100));
                    }
                    c.out.write(noise);
                    c.out.flush();
                } catch (final IOException e) {
                    // the server was quicker in closing
                }
            }
            assertServes(test);
            assertLetsGo(test);
        } catch (final Throwable e) {
            throw new AssertionError("seed " + seed, e);
        }
    }

    @Test
    void structuredNoiseIsAnsweredOrEndsTheConnection() throws Exception {
        final long seed = System.nanoTime();
        final Random random = new Random(seed);
        try (TestServer test = new TestServer()) {
            for (int i = 0; i < 60; i++) {
                final boolean extended = random.nextBoolean();
                try (RawClient c = test.client().greet()) {
                    c.socket.setSoTimeout(60_000);
                    if (extended) {
                        c.ask(Nbd.OPT_EXTENDED_HEADERS);
                    } else if (random.nextBoolean()) {
                        c.ask(Nbd.OPT_STRUCTURED_REPLY);
                    }
                    c.go("");
                    for (int n = 0; n < 50; n++) {
                        final int type = random.nextInt(10);
                        final int flags = random.nextInt(4) == 0 ? random.nextInt(65536) : random.nextInt(64);
                        final long offset =
                                random.nextInt(8) == 0 ? random.nextLong() : random.nextInt(TestServer.SIZE);
                        final int length = random.nextInt(10000);
                        final byte[] payload =
                                new byte[random.nextInt(3) == 0 ? random.nextInt(10000) : type == 1 ? length : 0];
                        if (extended) {
                            c.extended(flags, type, n, offset, length, payload);
                        } else {
                            c.request(flags, type, n, offset, length, payload);
                        }
                    }
                    c.socket.shutdownOutput();
                    c.in.readAllBytes();
                } catch (final SocketTimeoutException e) {
                    throw new AssertionError("conversation " + i + " came to no end", e);
                } catch (final IOException e) {
                    // the server ended the connection: its right
                }
            }
            assertServes(test);
            assertLetsGo(test);
        } catch (final Throwable e) {
            throw new AssertionError("seed " + seed, e);
        }
    }

    @Test
    void aReaderThatStallsIsBoundedAndOthersGoOn() throws Exception {
        final ServerLimits limits = ServerLimits.defaults().clientMemory(1 << 20);
        try (TestServer test = new TestServer(b -> b.limits(limits))) {
            try (RawClient stalled = test.client().simple("")) {
                for (int i = 0; i < REQUESTS; i++) {
                    stalled.request(0, Nbd.CMD_READ, i, 0, 512 << 10);
                }
                assertServes(test);
                assertThat(test.server.memoryInUse()).isLessThan(4 << 20);
                final Set<Long> open = new HashSet<>();
                for (int i = 0; i < REQUESTS; i++) {
                    assertThat(stalled.in.readInt()).isEqualTo(Nbd.SIMPLE_REPLY_MAGIC);
                    assertThat(stalled.in.readInt()).isZero();
                    open.add(stalled.in.readLong());
                    stalled.in.skipNBytes(512 << 10);
                }
                assertThat(open).hasSize(REQUESTS);
            }
            assertLetsGo(test);
        }
    }

    @Test
    void clientsThatVanishWithReadsUnderWayLeaveNothingBehind() throws Exception {
        try (TestServer test = new TestServer()) {
            for (int i = 0; i < 50; i++) {
                try (RawClient c = test.client().structured("")) {
                    c.socket.setSoLinger(true, 0);
                    for (int n = 0; n < 20; n++) {
                        c.request(0, Nbd.CMD_READ, n, 0, 2 << 20);
                    }
                }
            }
            assertServes(test);
            assertLetsGo(test);
        }
    }

    @Test
    void anOptionOfFourGibibytesEndsTheConnection() throws Exception {
        try (TestServer test = new TestServer();
                RawClient c = test.client().greet()) {
            c.out.writeLong(Nbd.OPTION_MAGIC);
            c.out.writeInt(Nbd.OPT_GO);
            c.out.writeInt(-1);
            c.out.flush();
            assertThat(c.atEnd()).isTrue();
            assertServes(test);
        }
    }

    @Test
    void aFloodOfOptionsEndsTheConnection() throws Exception {
        try (TestServer test = new TestServer();
                RawClient c = test.client().greet()) {
            boolean ended = false;
            for (int i = 0; i < 10_000 && !ended; i++) {
                try {
                    c.ask(Nbd.OPT_STRUCTURED_REPLY);
                } catch (final IOException e) {
                    ended = true;
                }
            }
            assertThat(ended).isTrue();
            assertServes(test);
        }
    }

    @Test
    void aStormOfHalfOpenConnectionsPassesOver() throws Exception {
        final ServerLimits limits = ServerLimits.defaults().handshake(Duration.ofSeconds(5));
        try (TestServer test = new TestServer(b -> b.limits(limits))) {
            final List<RawClient> storm = new ArrayList<>();
            try {
                for (int i = 0; i < 200; i++) {
                    storm.add(test.client());
                }
                assertServes(test);
                assertLetsGo(test);
            } finally {
                for (final RawClient c : storm) {
                    c.close();
                }
            }
        }
    }

    @Test
    void anOldstyleClientOnANewstylePortIsSentAway() throws Exception {
        try (TestServer test = new TestServer();
                RawClient c = test.client()) {
            c.in.readNBytes(18);
            c.request(0, Nbd.CMD_READ, 1, 0, 512);
            assertThat(c.atEnd()).isTrue();
        }
    }

    @Test
    void closingTheServerEndsItsConnections() throws Exception {
        final TestServer test = new TestServer();
        try (RawClient c = test.client().simple("")) {
            test.close();
            assertThat(c.atEnd()).isTrue();
        }
    }
}
