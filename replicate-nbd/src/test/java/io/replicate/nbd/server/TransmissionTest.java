package io.replicate.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.replicate.nbd.protocol.Nbd;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TransmissionTest {
    private static final int EPERM = 1;
    private static final int EINVAL = 22;
    private static final int ENOSPC = 28;
    private static final int EOVERFLOW = 75;
    private static final long SIZE = TestServer.SIZE;

    @Test
    void errnosAreThoseOfTheDocumentAndTheConnectionStays() throws Exception {
        try (TestServer test = new TestServer();
                RawClient c = test.client().simple("")) {
            assertThat(refused(c, 0, Nbd.CMD_READ, SIZE - 1, 2)).isEqualTo(EINVAL);
            assertThat(refused(c, 0, Nbd.CMD_READ, -1, 2)).isEqualTo(EINVAL);
            assertThat(refused(c, 0, Nbd.CMD_WRITE, SIZE - 1, 2, (byte) 1, (byte) 2))
                    .isEqualTo(ENOSPC);
            assertThat(refused(c, 0, Nbd.CMD_WRITE_ZEROES, SIZE, 1)).isEqualTo(ENOSPC);
            assertThat(refused(c, 0, Nbd.CMD_WRITE_ZEROES, 1L << 62, 0xffffffffL))
                    .isEqualTo(ENOSPC);
            assertThat(refused(c, 0, Nbd.CMD_TRIM, 0, SIZE + 1)).isEqualTo(EINVAL);
            assertThat(refused(c, 0, Nbd.CMD_CACHE, 0, SIZE + 1)).isEqualTo(EINVAL);
            assertThat(refused(c, 0, Nbd.CMD_FLUSH, 1, 0)).isEqualTo(EINVAL);
            assertThat(refused(c, 0, Nbd.CMD_BLOCK_STATUS, 0, 4096)).isEqualTo(EINVAL);
            assertThat(refused(c, 0, 9, 0, 0)).isEqualTo(EINVAL);
            assertThat(refused(c, 0, 65535, 0, 0)).isEqualTo(EINVAL);
            assertThat(refused(c, Nbd.CMD_FLAG_DF, Nbd.CMD_READ, 0, 1)).isEqualTo(EINVAL);
            assertThat(refused(c, 1 << 15, Nbd.CMD_READ, 0, 1)).isEqualTo(EINVAL);
            assertThat(refused(c, Nbd.CMD_FLAG_NO_HOLE, Nbd.CMD_WRITE, 0, 1, (byte) 5))
                    .isEqualTo(EINVAL);
            assertThat(refused(c, Nbd.CMD_FLAG_PAYLOAD_LEN, Nbd.CMD_WRITE, 0, 1, (byte) 5))
                    .isEqualTo(EINVAL);
            assertThat(refused(c, Nbd.CMD_FLAG_FAST_ZERO, Nbd.CMD_TRIM, 0, 1)).isEqualTo(EINVAL);
            assertThat(refused(c, Nbd.CMD_FLAG_REQ_ONE, Nbd.CMD_FLUSH, 0, 0)).isEqualTo(EINVAL);
            assertThat(refused(c, Nbd.CMD_FLAG_FUA, Nbd.CMD_FLUSH, 0, 0)).isZero();
            assertThat(refused(c, 0, Nbd.CMD_WRITE, 0, 0)).isZero();
            assertThat(refused(c, 0, Nbd.CMD_READ, SIZE, 0)).isZero();
            assertThat(test.stored(0, 4)).isEqualTo(TestServer.bytes(0, 4));
        }
    }

    private static int refused(RawClient client, int flags, int type, long offset, long length, byte... payload)
            throws Exception {
        client.request(flags, type, offset ^ length, offset, length, payload);
        return client.simpleReply(offset ^ length);
    }

    @Test
    void everyCommandWithEveryFlagIsAnswered() throws Exception {
        try (TestServer test = new TestServer();
                RawClient c = test.client().structured("")) {
            for (int type = 0; type < 12; type++) {
                for (int flags = 0; flags < 64; flags++) {
                    if (type == Nbd.CMD_DISC) {
                        continue;
                    }
                    final long cookie = type * 64L + flags;
                    c.request(flags, type, cookie, 4096, 512, type == Nbd.CMD_WRITE ? new byte[512] : new byte[0]);
                    assertThat(answer(c)).isEqualTo(cookie);
                }
            }
        }
    }

    private static long answer(RawClient c) throws Exception {
        final int magic = c.in.readInt();
        if (magic == Nbd.SIMPLE_REPLY_MAGIC) {
            c.in.readInt();
            return c.in.readLong();
        }
        final int flags = c.in.readUnsignedShort();
        c.in.readUnsignedShort();
        final long cookie = c.in.readLong();
        c.in.readNBytes(c.in.readInt());
        return (flags & 1) != 0 ? cookie : answer(c);
    }

    @Test
    void aReadOnlyExportRefusesAllWrites() throws Exception {
        try (TestServer test = new TestServer();
                NbdServer server = NbdServer.builder()
                        .export(Export.of("", test.volume).readOnly())
                        .tcp(new java.net.InetSocketAddress(java.net.InetAddress.getLoopbackAddress(), 0))
                        .start();
                RawClient c = new RawClient(server.port()).greet()) {
            final int flags = c.go("");

            assertThat(flags & Nbd.FLAG_READ_ONLY).isNotZero();
            assertThat(flags & (Nbd.FLAG_SEND_TRIM | Nbd.FLAG_SEND_WRITE_ZEROES | Nbd.FLAG_SEND_FAST_ZERO))
                    .isZero();
            assertThat(refused(c, 0, Nbd.CMD_WRITE, 0, 1, (byte) 1)).isEqualTo(EPERM);
            assertThat(refused(c, 0, Nbd.CMD_WRITE_ZEROES, 0, 1)).isEqualTo(EPERM);
            assertThat(refused(c, 0, Nbd.CMD_TRIM, 0, 1)).isEqualTo(EPERM);
            assertThat(refused(c, 0, Nbd.CMD_FLUSH, 0, 0)).isZero();
        }
    }

    @Test
    void holesAreSentAsHolesAndDataAsData() throws Exception {
        try (TestServer test = new TestServer();
                RawClient c = test.client().structured("")) {
            c.request(0, Nbd.CMD_READ, 1, (1 << 20) - 512, 1 << 17);

            final RawClient.Chunk data = c.chunk();
            final RawClient.Chunk hole = c.chunk();

            assertThat(data.type()).isEqualTo(Nbd.REPLY_OFFSET_DATA);
            assertThat(data.done()).isFalse();
            assertThat(data.data().getLong()).isEqualTo((1 << 20) - 512);
            assertThat(Arrays.copyOfRange(data.payload(), 8, 520)).isEqualTo(TestServer.bytes((1 << 20) - 512, 512));
            assertThat(hole.type()).isEqualTo(Nbd.REPLY_OFFSET_HOLE);
            assertThat(hole.done()).isTrue();
            assertThat(hole.data().getLong()).isEqualTo(1 << 20);
            assertThat(hole.data().getInt(8)).isEqualTo((1 << 17) - 512);
        }
    }

    @Test
    void doNotFragmentMakesOneChunkOfDataAndHoles() throws Exception {
        try (TestServer test = new TestServer();
                RawClient c = test.client().structured("")) {
            c.request(Nbd.CMD_FLAG_DF, Nbd.CMD_READ, 1, 0, 4 << 20);

            final RawClient.Chunk data = c.chunk();
            final RawClient.Chunk end = data.done() ? data : c.chunk();

            assertThat(data.payload()).hasSize(8 + (4 << 20));
            assertThat(end.done()).isTrue();
            assertThat(Arrays.copyOfRange(data.payload(), 8, 8 + (1 << 20))).isEqualTo(TestServer.bytes(0, 1 << 20));
        }
    }

    @Test
    void aStructuredErrorHasAText() throws Exception {
        try (TestServer test = new TestServer();
                RawClient c = test.client().structured("")) {
            c.request(0, Nbd.CMD_READ, 9, SIZE, 512);

            final RawClient.Chunk chunk = c.chunk();

            assertThat(chunk.type()).isEqualTo(Nbd.REPLY_ERROR);
            assertThat(chunk.done()).isTrue();
            assertThat(chunk.error()).isEqualTo(EINVAL);
            assertThat(new String(chunk.payload(), 6, chunk.payload().length - 6))
                    .contains("beyond the end");
        }
    }

    @Test
    void payloadsOf64MebibytesAreTakenAndLongerOnesRefused() throws Exception {
        final int big = 64 << 20;
        try (TestServer test = new TestServer();
                NbdServer server = NbdServer.builder()
                        .export(Export.of("", new io.replicate.core.memory.MemoryVolume("big", 70 << 20)))
                        .tcp(new java.net.InetSocketAddress(java.net.InetAddress.getLoopbackAddress(), 0))
                        .start();
                RawClient c = new RawClient(server.port()).simple("")) {
            assertThat(refused(c, 0, Nbd.CMD_WRITE, 0, big, TestServer.bytes(0, big)))
                    .isZero();
            assertThat(refused(c, 0, Nbd.CMD_WRITE, 0, big + 1, new byte[big + 1]))
                    .isEqualTo(EINVAL);
            assertThat(refused(c, 0, Nbd.CMD_READ, 0, big + 1)).isEqualTo(EINVAL);
            c.request(0, Nbd.CMD_READ, 5, 0, big);
            assertThat(c.simpleReply(5)).isZero();
            assertThat(Arrays.equals(c.in.readNBytes(big), TestServer.bytes(0, big)))
                    .isTrue();
            assertThat(test.server.memoryInUse()).isLessThan(64 << 20);
        }
    }

    @Test
    void aReadThatIsTooLongOverflowsWhereRepliesAreStructured() throws Exception {
        try (TestServer test = new TestServer();
                NbdServer server = NbdServer.builder()
                        .export(Export.of("", new io.replicate.core.memory.MemoryVolume("big", 1L << 33)))
                        .tcp(new java.net.InetSocketAddress(java.net.InetAddress.getLoopbackAddress(), 0))
                        .start();
                RawClient c = new RawClient(server.port()).structured("")) {
            c.request(0, Nbd.CMD_READ, 5, 0, 0xffffffffL);

            assertThat(c.chunk().error()).isEqualTo(EOVERFLOW);
            assertThat(test.server.clients()).isZero();
        }
    }

    @Test
    void blockStatusDescribesExtents() throws Exception {
        try (TestServer test = new TestServer();
                RawClient c = test.client().greet()) {
            c.ask(Nbd.OPT_STRUCTURED_REPLY);
            c.option(Nbd.OPT_SET_META_CONTEXT, RawClient.contexts("disk", Nbd.BASE_ALLOCATION));
            final int id = ByteBuffer.wrap(c.reply().data()).getInt();
            c.reply();
            c.go("disk");

            c.request(0, Nbd.CMD_BLOCK_STATUS, 3, 0, SIZE);
            final ByteBuffer all = c.chunk().data();
            c.request(Nbd.CMD_FLAG_REQ_ONE, Nbd.CMD_BLOCK_STATUS, 3, 512, 4096);
            final ByteBuffer one = c.chunk().data();

            assertThat(all)
                    .isEqualTo(ByteBuffer.allocate(20)
                            .putInt(id)
                            .putInt(1 << 20)
                            .putInt(0)
                            .putInt((int) SIZE - (1 << 20))
                            .putInt(3)
                            .flip());
            assertThat(one)
                    .isEqualTo(ByteBuffer.allocate(12)
                            .putInt(id)
                            .putInt(4096)
                            .putInt(0)
                            .flip());
        }
    }

    @Test
    void extendedHeadersCarryLongLengthsAndRepeatTheOffset() throws Exception {
        try (TestServer test = new TestServer();
                NbdServer server = NbdServer.builder()
                        .export(Export.of("", new io.replicate.core.memory.MemoryVolume("big", 1L << 40)))
                        .tcp(new java.net.InetSocketAddress(java.net.InetAddress.getLoopbackAddress(), 0))
                        .start();
                RawClient c = new RawClient(server.port()).greet()) {
            c.ask(Nbd.OPT_EXTENDED_HEADERS);
            c.option(Nbd.OPT_SET_META_CONTEXT, RawClient.contexts("", Nbd.BASE_ALLOCATION));
            final int id = ByteBuffer.wrap(c.reply().data()).getInt();
            c.reply();
            assertThat(c.go("") & Nbd.FLAG_BLOCK_STATUS_PAYLOAD).isNotZero();

            c.extended(0, Nbd.CMD_WRITE_ZEROES, 1, 0, 1L << 40);
            assertThat(c.chunk()).satisfies(none -> {
                assertThat(none.type()).isEqualTo(Nbd.REPLY_NONE);
                assertThat(none.offset()).isZero();
            });
            c.extended(Nbd.CMD_FLAG_PAYLOAD_LEN, Nbd.CMD_WRITE, 2, 4096, 4, (byte) 1, (byte) 2, (byte) 3, (byte) 4);
            assertThat(c.chunk().offset()).isEqualTo(4096);
            c.extended(0, Nbd.CMD_WRITE, 3, 4096, 4); // no payload without the flag
            assertThat(c.chunk().error()).isEqualTo(EINVAL);
            c.extended(Nbd.CMD_FLAG_PAYLOAD_LEN, Nbd.CMD_READ, 4, 0, 3, (byte) 1, (byte) 2, (byte) 3);
            assertThat(c.chunk().error()).isEqualTo(EINVAL);
            c.extended(0, Nbd.CMD_READ, 5, 4096, 4);
            assertThat(c.chunk().payload()).isEqualTo(new byte[] {0, 0, 0, 0, 0, 0, 16, 0, 1, 2, 3, 4});

            c.extended(0, Nbd.CMD_BLOCK_STATUS, 6, 1 << 20, (1L << 40) - (1 << 20));
            final RawClient.Chunk status = c.chunk();
            assertThat(status.type()).isEqualTo(Nbd.REPLY_BLOCK_STATUS_EXT);
            assertThat(status.data())
                    .isEqualTo(ByteBuffer.allocate(24)
                            .putInt(id)
                            .putInt(1)
                            .putLong((1L << 40) - (1 << 20))
                            .putLong(3)
                            .flip());

            final byte[] chosen =
                    ByteBuffer.allocate(12).putLong(8192).putInt(id).array();
            c.extended(Nbd.CMD_FLAG_PAYLOAD_LEN, Nbd.CMD_BLOCK_STATUS, 7, 0, chosen.length, chosen);
            assertThat(c.chunk().type()).isEqualTo(Nbd.REPLY_BLOCK_STATUS_EXT);
            final byte[] unknown =
                    ByteBuffer.allocate(12).putLong(8192).putInt(id + 9).array();
            c.extended(Nbd.CMD_FLAG_PAYLOAD_LEN, Nbd.CMD_BLOCK_STATUS, 8, 0, unknown.length, unknown);
            assertThat(c.chunk().error()).isEqualTo(EINVAL);
            final byte[] twice =
                    ByteBuffer.allocate(16).putLong(8192).putInt(id).putInt(id).array();
            c.extended(Nbd.CMD_FLAG_PAYLOAD_LEN, Nbd.CMD_BLOCK_STATUS, 9, 0, twice.length, twice);
            assertThat(c.chunk().error()).isEqualTo(EINVAL);
            c.extended(Nbd.CMD_FLAG_PAYLOAD_LEN, Nbd.CMD_WRITE, 10, 0, 65L << 20);
            assertThat(c.atEnd()).isTrue();
            assertThat(test.server.clients()).isZero();
        }
    }

    @Test
    void discFinishesWhatIsUnderWay() throws Exception {
        try (TestServer test = new TestServer();
                RawClient c = test.client().simple("")) {
            final Set<Long> open = new HashSet<>();
            for (long i = 0; i < 20; i++) {
                c.request(Nbd.CMD_FLAG_FUA, Nbd.CMD_WRITE, i, i * 4096, 4096, new byte[4096]);
                open.add(i);
            }
            c.request(0, Nbd.CMD_DISC, 99, 0, 0);

            drain(c, open);

            assertThat(c.atEnd()).isTrue();
            assertThat(test.stored(0, 20 * 4096)).isEqualTo(new byte[20 * 4096]);
        }
    }

    @Test
    void aReplyThatTheSocketCannotTakeAtOnceOutlivesAHalfClose() throws Exception {
        final int requests = 16; // of 1 MiB of data each
        try (TestServer test = new TestServer();
                RawClient c = test.client()) {
            c.socket.setReceiveBufferSize(64 << 10); // most of the replies wait in the server
            c.structured("");
            for (int i = 0; i < requests; i++) {
                c.request(0, Nbd.CMD_READ, i, 0, TestServer.SIZE);
            }
            c.socket.shutdownOutput();

            int done = 0;
            while (done < requests) {
                done += c.chunk().done() ? 1 : 0;
            }
            assertThat(c.atEnd()).isTrue();
        }
    }

    @Test
    void aHalfCloseBehindGoodbyeCutsNoReply() throws Exception {
        try (TestServer test = new TestServer();
                RawClient c = test.client()) {
            c.socket.setReceiveBufferSize(64 << 10);
            c.simple("");
            c.request(0, Nbd.CMD_READ, 1, 0, TestServer.SIZE);
            c.request(0, Nbd.CMD_DISC, 2, 0, 0);
            assertThat(c.simpleReply(1)).isZero();
            // the server has done its part, and only the socket has something to do
            await().atMost(Duration.ofSeconds(60)).until(() -> test.server.memoryInUse() == 0);

            c.socket.shutdownOutput();

            assertThat(c.in.readNBytes(TestServer.SIZE)).isEqualTo(test.stored(0, TestServer.SIZE));
            assertThat(c.atEnd()).isTrue();
        }
    }

    @Test
    void halfACloseIsAnsweredInFull() throws Exception {
        try (TestServer test = new TestServer();
                RawClient c = test.client().simple("")) {
            final Set<Long> open = new HashSet<>();
            for (long i = 0; i < 20; i++) {
                c.request(Nbd.CMD_FLAG_FUA, Nbd.CMD_WRITE, i, i * 4096, 4096, new byte[4096]);
                open.add(i);
            }
            c.socket.shutdownOutput();

            drain(c, open);

            assertThat(c.atEnd()).isTrue();
        }
    }

    private static void drain(RawClient c, Set<Long> open) throws Exception {
        while (!open.isEmpty()) {
            assertThat(c.in.readInt()).isEqualTo(Nbd.SIMPLE_REPLY_MAGIC);
            assertThat(c.in.readInt()).isZero();
            assertThat(open.remove(c.in.readLong())).isTrue();
        }
    }

    @Test
    void aWriteThatNeverCameWholeChangesNothing() throws Exception {
        try (TestServer test = new TestServer()) {
            try (RawClient c = test.client().simple("")) {
                c.request(0, Nbd.CMD_WRITE, 1, 0, 65536, new byte[30000]);
                c.socket.shutdownOutput();
                assertThat(c.atEnd()).isTrue();
            }
            assertThat(test.stored(0, 65536)).isEqualTo(TestServer.bytes(0, 65536));
        }
    }

    @Test
    void oldstyleIsByteExact() throws Exception {
        try (TestServer test = new TestServer(NbdServer.Builder::oldstyle);
                RawClient c = test.client()) {
            final byte[] hello = c.in.readNBytes(152);
            assertThat(Arrays.copyOf(hello, 28))
                    .isEqualTo(ByteBuffer.allocate(28)
                            .putLong(Nbd.INIT_MAGIC)
                            .putLong(Nbd.OLDSTYLE_MAGIC)
                            .putLong(SIZE)
                            .putInt(0x0d)
                            .array());
            assertThat(Arrays.copyOfRange(hello, 28, 152)).isEqualTo(new byte[124]);

            assertThat(refused(c, 0, Nbd.CMD_WRITE, 512, 4, (byte) 1, (byte) 2, (byte) 3, (byte) 4))
                    .isZero();
            assertThat(refused(c, 0, Nbd.CMD_READ, SIZE - 1, 2)).isEqualTo(ENOSPC);
            assertThat(refused(c, 0, Nbd.CMD_WRITE, SIZE, 2, (byte) 1, (byte) 2))
                    .isEqualTo(ENOSPC);
            assertThat(refused(c, 0, Nbd.CMD_WRITE, -1, 2, (byte) 1, (byte) 2)).isEqualTo(ENOSPC);
            assertThat(refused(c, 0, Nbd.CMD_FLUSH, SIZE, 1)).isEqualTo(ENOSPC);
            assertThat(refused(c, 0, Nbd.CMD_DISC, SIZE, 1)).isEqualTo(ENOSPC);
            assertThat(refused(c, 0, Nbd.CMD_TRIM, 0, 1)).isEqualTo(EINVAL);
            assertThat(refused(c, 0, 77, 0, 1)).isEqualTo(EINVAL);
            assertThat(refused(c, 0xfffe, Nbd.CMD_FLUSH, 0, 0)).isZero();
            assertThat(refused(c, 1, Nbd.CMD_READ, 0, 0)).isZero(); // the ENTRUST of 2012
            c.request(0, Nbd.CMD_READ, 8, 512, 4);
            assertThat(c.simpleReply(8)).isZero();
            assertThat(c.in.readNBytes(4)).isEqualTo(new byte[] {1, 2, 3, 4});

            c.out.writeInt(0x12345678);
            c.out.write(new byte[4]);
            c.out.writeLong(42);
            c.out.write(new byte[12]);
            c.out.flush();
            assertThat(c.simpleReply(42)).isEqualTo(74);
            assertThat(c.atEnd()).isTrue();
        }
    }
}
