package io.replicate.nbd.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Volume;
import io.replicate.nbd.client.ScriptedServer.Headers;
import io.replicate.nbd.client.ScriptedServer.Request;
import io.replicate.nbd.protocol.Nbd;
import io.replicate.nbd.protocol.NbdError;
import io.replicate.nbd.protocol.NbdException;
import java.nio.ByteBuffer;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What happens to requests whose connection ends, one way or another. */
@Timeout(240)
class ReconnectTest {
    private static final ScriptedServer.Script SERVES = p -> {
        p.enter(Headers.STRUCTURED);
        while (true) {
            final Request r = p.request();
            if (r.type() == Nbd.CMD_READ) {
                p.data(r, true, r.offset(), (int) r.length(), 5);
            } else {
                p.simple(r.cookie(), 0);
            }
        }
    };

    private static void assertReads(NbdVolume volume) throws Exception {
        final ByteBuffer into = ByteBuffer.allocate(100);
        volume.read(0, into);
        assertThat(into.get(99)).isEqualTo((byte) 5);
    }

    @Test
    void aRequestIsRepeatedWhereverTheConnectionEnded() throws Exception {
        for (int bytes = 0; bytes < 60; bytes += 7) {
            final int sent = bytes;
            try (ScriptedServer server = new ScriptedServer(
                            p -> {
                                p.enter(Headers.STRUCTURED);
                                final Request r = p.request();
                                p.chunkHeader(r, true, Nbd.REPLY_OFFSET_DATA, 108);
                                p.out.writeLong(0);
                                p.out.write(new byte[sent]);
                                p.out.flush();
                            },
                            SERVES);
                    NbdVolume volume = server.open("")) {
                assertReads(volume);
                assertThat(server.connections).hasValue(2);
            }
        }
    }

    @Test
    void aServerThatShutsDownIsLeftAndTheNextOneAsked() throws Exception {
        final CountDownLatch left = new CountDownLatch(1);
        try (ScriptedServer server = new ScriptedServer(
                        p -> {
                            p.enter(Headers.STRUCTURED);
                            p.simple(p.request().cookie(), NbdError.ESHUTDOWN);
                            if (p.request().type() == Nbd.CMD_DISC) {
                                left.countDown();
                            }
                        },
                        SERVES);
                NbdVolume volume = server.open("")) {
            volume.flush();

            assertThat(left.await(60, TimeUnit.SECONDS)).isTrue();
            assertReads(volume);
            assertThat(server.connections).hasValue(2);
        }
    }

    private static void refuses(ScriptedServer.Script before, ScriptedServer.Script after, String why)
            throws Exception {
        try (ScriptedServer server = new ScriptedServer(before, after);
                NbdVolume volume = server.open("")) {
            assertThatThrownBy(() -> volume.zero(0, 4096, Set.of()))
                    .isInstanceOfSatisfying(
                            ReplicationException.class,
                            e -> assertThat(e.category()).isEqualTo(ReplicationException.Category.FAIL_JOB))
                    .hasMessageContaining(why);
        }
    }

    private static ScriptedServer.Script endsAfterOneRequest(Headers headers) {
        return p -> {
            p.enter(headers);
            p.request();
        };
    }

    @Test
    void anotherExportInPlaceOfTheFirstIsRefused() throws Exception {
        final int flags = ScriptedServer.FLAGS;
        refuses(
                endsAfterOneRequest(Headers.STRUCTURED),
                p -> p.enter(Headers.STRUCTURED, ScriptedServer.SIZE / 2, flags, 1)
                        .drain(),
                "has 524288");
        refuses(
                endsAfterOneRequest(Headers.STRUCTURED),
                p -> p.enter(Headers.STRUCTURED, ScriptedServer.SIZE, flags | Nbd.FLAG_READ_ONLY, 1)
                        .drain(),
                "read-only");
        refuses(
                endsAfterOneRequest(Headers.STRUCTURED),
                p -> p.enter(Headers.STRUCTURED, ScriptedServer.SIZE, flags, 4096)
                        .drain(),
                "block sizes");
        refuses(
                endsAfterOneRequest(Headers.EXTENDED),
                p -> p.enter(Headers.STRUCTURED).drain(),
                "can do less");
        refuses(
                endsAfterOneRequest(Headers.STRUCTURED),
                p -> p.enter(Headers.STRUCTURED, ScriptedServer.SIZE, flags & ~Nbd.FLAG_SEND_WRITE_ZEROES, 1)
                        .drain(),
                "can do less");
    }

    /** What is written into a buffer after its owner has it back is somebody else's data. */
    @Test
    void anInterruptedReadLeavesItsBufferAlone() throws Exception {
        final CountDownLatch asked = new CountDownLatch(1);
        final CountDownLatch returned = new CountDownLatch(1);
        final CountDownLatch answered = new CountDownLatch(1);
        try (ScriptedServer server = new ScriptedServer(p -> {
                    p.enter(Headers.STRUCTURED);
                    final Request r = p.request();
                    asked.countDown();
                    try {
                        returned.await();
                        p.data(r, true, 0, 100, 5);
                        p.drain();
                    } catch (final InterruptedException e) {
                        throw new AssertionError(e);
                    } finally {
                        answered.countDown();
                    }
                });
                NbdVolume volume = server.open("?reconnect=0")) {
            final ByteBuffer into = ByteBuffer.allocate(100);
            final Throwable[] thrown = new Throwable[1];
            final boolean[] interrupted = new boolean[1];
            final Thread reader = new Thread(() -> {
                try {
                    volume.read(0, into);
                } catch (final Exception e) {
                    thrown[0] = e;
                    interrupted[0] = Thread.currentThread().isInterrupted();
                }
            });
            reader.start();
            asked.await();
            reader.interrupt();
            reader.join();
            returned.countDown();
            answered.await();

            assertThat(thrown[0])
                    .isInstanceOfSatisfying(
                            ReplicationException.class,
                            e -> assertThat(e.category()).isEqualTo(ReplicationException.Category.CANCELLED));
            assertThat(interrupted[0]).isTrue();
            assertThat(into.array()).containsOnly(0);
        }
    }

    @Test
    void notSupportedIsAnAnswerToFastZeroingAndAFailureOfEverythingElse() throws Exception {
        try (ScriptedServer server = new ScriptedServer(p -> {
                    p.enter(Headers.STRUCTURED);
                    while (true) {
                        p.simple(p.request().cookie(), NbdError.ENOTSUP);
                    }
                });
                NbdVolume volume = server.open("")) {
            assertThatThrownBy(() -> volume.zero(0, 10, Set.of(Volume.Flag.FAST)))
                    .isInstanceOf(UnsupportedOperationException.class);
            assertThatThrownBy(() -> volume.write(0, ByteBuffer.allocate(10), Set.of()))
                    .isInstanceOf(NbdException.class)
                    .hasMessageContaining("WRITE offset=0 length=10: ENOTSUP");
        }
    }

    @Test
    void onlyWholeBlocksAreAskedForWhereTheServerWantsThat() throws Exception {
        try (ScriptedServer server = new ScriptedServer(p -> {
                    p.enter(Headers.STRUCTURED, ScriptedServer.SIZE, ScriptedServer.FLAGS, 4096);
                    while (true) {
                        final Request r = p.request();
                        if (((r.offset() | r.length()) & 4095) != 0) {
                            p.simple(r.cookie(), NbdError.EINVAL);
                        } else if (r.type() == Nbd.CMD_READ) {
                            final byte[] payload = new byte[8 + (int) r.length()];
                            ByteBuffer.wrap(payload).putLong(r.offset());
                            payload[8 + 5000 - 4096] = 1; // of the block at 4096
                            p.chunk(r, true, Nbd.REPLY_OFFSET_DATA, payload);
                        } else {
                            p.simple(r.cookie(), 0);
                        }
                    }
                });
                NbdVolume volume = server.open("")) {
            final ByteBuffer into = ByteBuffer.allocate(1000);
            volume.read(5000, into);
            assertThat(into.array()[0]).isEqualTo((byte) 1);
            assertThat(into.array()[1]).isZero();
            volume.trim(100, 10_000, Set.of());
            volume.zero(8192, 4096, Set.of());
            assertThatThrownBy(() -> volume.write(5000, ByteBuffer.allocate(10), Set.of()))
                    .hasMessageContaining("whole blocks of 4096 bytes");
        }
    }
}
