package io.replicate.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.memory.MemoryVolume;
import io.replicate.core.spi.Volume;
import io.replicate.nbd.protocol.Nbd;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a connection may wait for comes, or the wait ends. */
@Timeout(240)
class EveryWaitEndsTest {
    private static final int SIZE = 4 << 20;
    /** Longer than what is in memory at once. */
    private static final int LONG = (1 << 20) + 4096;

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
}
