package io.replicate.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.replicate.nbd.protocol.Nbd;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What no client of good will sends. A structured request that is wrong has exactly one answer, with an error of the
 * protocol; a broken stream ends its connection; the server serves on, and holds nothing of it. A seed that failed is
 * printed; run it again with -Dreplicate.seed.
 */
@Timeout(240)
class FuzzTest {
    private static final List<Integer> ERRNOS = List.of(0, 1, 5, 12, 22, 28, 75, 95, 108);

    private static long seed() {
        return Long.getLong("replicate.seed", System.nanoTime());
    }

    private static void assertServes(TestServer test) throws IOException {
        try (RawClient c = test.client().simple("")) {
            c.request(0, Nbd.CMD_READ, 1, 5, 3);
            assertThat(c.simpleReply(1)).isZero();
            assertThat(c.in.readNBytes(3)).isEqualTo(test.stored(5, 3));
        }
        await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> {
            assertThat(test.server.clients()).isZero();
            assertThat(test.server.memoryInUse()).isZero();
        });
    }

    private static RawClient connect(TestServer test, String headers) throws IOException {
        final RawClient c = test.client().greet();
        if (headers.equals("extended")) {
            c.ask(Nbd.OPT_EXTENDED_HEADERS);
        } else if (headers.equals("structured")) {
            c.ask(Nbd.OPT_STRUCTURED_REPLY);
        }
        c.go("");
        return c;
    }

    /** Returns the error of the answer to {@code cookie}, all of whose chunks are read. */
    private static int answer(RawClient c, long cookie, int readLength) throws IOException {
        int error = 0;
        while (true) {
            final int magic = c.in.readInt();
            if (magic == Nbd.SIMPLE_REPLY_MAGIC) {
                error = c.in.readInt();
                assertThat(c.in.readLong()).isEqualTo(cookie);
                c.in.skipNBytes(error == 0 ? readLength : 0);
                return error;
            }
            final int flags = c.in.readUnsignedShort();
            final int type = c.in.readUnsignedShort();
            assertThat(c.in.readLong()).isEqualTo(cookie);
            if (magic == Nbd.EXTENDED_REPLY_MAGIC) {
                c.in.readLong();
            } else {
                assertThat(magic).isEqualTo(Nbd.STRUCTURED_REPLY_MAGIC);
            }
            final long length = magic == Nbd.EXTENDED_REPLY_MAGIC ? c.in.readLong() : c.in.readInt();
            final byte[] payload = c.in.readNBytes((int) length);
            if ((type & Nbd.REPLY_ERROR_BIT) != 0) {
                error = ByteBuffer.wrap(payload).getInt();
                assertThat(error).isNotZero();
            }
            if ((flags & Nbd.REPLY_FLAG_DONE) != 0) {
                return error;
            }
        }
    }

    /** Every command, known or not, with each of the 16 flags: those that were not announced are EINVAL, always. */
    @ParameterizedTest
    @ValueSource(strings = {"simple", "structured", "extended"})
    void everyCommandWithEveryFlagHasOneAnswer(String headers) throws Exception {
        try (TestServer test = new TestServer();
                RawClient c = connect(test, headers)) {
            final boolean extended = headers.equals("extended");
            long cookie = -7;
            for (int type = 0; type < 14; type++) {
                for (int bit = -1; bit < 16 && type != Nbd.CMD_DISC; bit++) {
                    final int flag = bit < 0 ? 0 : 1 << bit;
                    final boolean write = type == Nbd.CMD_WRITE;
                    final int flags = flag | (extended && write ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0);
                    final boolean payload = extended ? (flags & Nbd.CMD_FLAG_PAYLOAD_LEN) != 0 : write;
                    final int length = type == Nbd.CMD_FLUSH && !payload ? 0 : 512;
                    final long offset = type == Nbd.CMD_FLUSH ? 0 : 4096;
                    cookie += 1L << 55;
                    if (extended) {
                        c.extended(flags, type, cookie, offset, length, new byte[payload ? length : 0]);
                    } else {
                        c.request(flags, type, cookie, offset, length, new byte[payload ? length : 0]);
                    }

                    final int error = answer(c, cookie, type == Nbd.CMD_READ ? length : 0);

                    final boolean known = type <= Nbd.CMD_WRITE_ZEROES;
                    final boolean allowed = flag == 0
                            || flag == Nbd.CMD_FLAG_FUA
                            || (type == Nbd.CMD_READ && flag == Nbd.CMD_FLAG_DF && !headers.equals("simple"))
                            || (write && flag == Nbd.CMD_FLAG_PAYLOAD_LEN && extended)
                            || (type == Nbd.CMD_WRITE_ZEROES
                                    && (flag == Nbd.CMD_FLAG_NO_HOLE || flag == Nbd.CMD_FLAG_FAST_ZERO));
                    assertThat(error)
                            .as("%s with flags 0x%x", Nbd.commandName(type), flags)
                            .isEqualTo(known && allowed ? 0 : 22);
                }
            }
            c.in.close();
            assertServes(test);
        }
    }

    /** Well-framed requests with wild numbers: one answer each, in any order of wrongs, and the connection stays. */
    @ParameterizedTest
    @ValueSource(strings = {"simple", "structured", "extended"})
    void wellFramedNonsenseIsAnsweredAndTheConnectionStays(String headers) throws Exception {
        final long seed = seed();
        final Random random = new Random(seed);
        try (TestServer test = new TestServer()) {
            try (RawClient c = connect(test, headers)) {
                for (int i = 0; i < 1500; i++) {
                    int type = random.nextInt(10) == 0 ? random.nextInt(65536) : random.nextInt(9);
                    if (type == Nbd.CMD_DISC) {
                        type = Nbd.CMD_FLUSH;
                    }
                    final boolean extended = headers.equals("extended");
                    int flags = random.nextInt(3) == 0 ? random.nextInt(65536) : random.nextInt(64);
                    final boolean payload;
                    if (extended) {
                        payload = (flags & Nbd.CMD_FLAG_PAYLOAD_LEN) != 0;
                    } else {
                        payload = type == Nbd.CMD_WRITE;
                    }
                    final long length = payload || random.nextInt(3) > 0
                            ? random.nextInt(9000)
                            : extended ? random.nextLong() : Integer.toUnsignedLong(random.nextInt());
                    final long offset = switch (random.nextInt(4)) {
                        case 0 -> random.nextLong();
                        case 1 -> TestServer.SIZE - random.nextInt(9000);
                        default -> random.nextInt(TestServer.SIZE);
                    };
                    final long cookie = random.nextLong();
                    final byte[] bytes = new byte[payload ? (int) length : 0];
                    if (extended) {
                        c.extended(flags, type, cookie, offset, length, bytes);
                    } else {
                        c.request(flags, type, cookie, offset, length, bytes);
                    }

                    assertThat(answer(c, cookie, type == Nbd.CMD_READ ? (int) length : 0))
                            .as("request %d: %s flags=0x%x offset=%d length=%d", i, type, flags, offset, length)
                            .isIn(ERRNOS);
                }
            }
            assertServes(test);
        } catch (final Throwable e) {
            throw new AssertionError("-Dreplicate.seed=" + seed, e);
        }
    }

    /** A good conversation with some of its bytes changed, cut or sent twice. */
    @Test
    void spoiltConversationsDoNoHarm() throws Exception {
        final long seed = seed();
        final Random random = new Random(seed);
        try (TestServer test = new TestServer()) {
            final byte[] good = conversation();
            for (int i = 0; i < 300; i++) {
                final byte[] bad = good.clone();
                for (int n = random.nextInt(4); n >= 0; n--) {
                    final int at = random.nextInt(bad.length);
                    bad[at] = (byte) (random.nextBoolean() ? random.nextInt() : bad[at] ^ 1 << random.nextInt(8));
                }
                final int from = random.nextInt(5) == 0 ? random.nextInt(bad.length) : 0;
                final int to = random.nextInt(3) == 0 ? from + random.nextInt(bad.length - from) : bad.length;
                try (RawClient c = test.client()) {
                    c.socket.setSoTimeout(60_000);
                    c.in.readNBytes(18);
                    c.out.write(bad, 0, to);
                    if (random.nextBoolean()) {
                        c.out.write(bad, from, to - from);
                    }
                    c.out.flush();
                    c.socket.shutdownOutput();
                    c.in.readAllBytes();
                } catch (final SocketTimeoutException e) {
                    throw new AssertionError("conversation " + i + " came to no end", e);
                } catch (final IOException e) {
                    // the server ended the connection: its right
                }
            }
            assertServes(test);
        } catch (final Throwable e) {
            throw new AssertionError("-Dreplicate.seed=" + seed, e);
        }
    }

    private static byte[] conversation() throws IOException {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        final DataOutputStream out = new DataOutputStream(bytes);
        out.writeInt(3);
        option(out, Nbd.OPT_STRUCTURED_REPLY);
        option(out, Nbd.OPT_LIST);
        option(out, Nbd.OPT_LIST_META_CONTEXT, RawClient.contexts("disk"));
        option(out, Nbd.OPT_SET_META_CONTEXT, RawClient.contexts("disk", Nbd.BASE_ALLOCATION));
        option(out, Nbd.OPT_INFO, RawClient.info("disk", Nbd.INFO_NAME, Nbd.INFO_DESCRIPTION));
        option(out, Nbd.OPT_GO, RawClient.info("disk", Nbd.INFO_BLOCK_SIZE));
        request(out, 0, Nbd.CMD_READ, 0, 8192);
        request(out, Nbd.CMD_FLAG_FUA, Nbd.CMD_WRITE, 2 << 20, 512);
        out.write(new byte[512]);
        request(out, Nbd.CMD_FLAG_NO_HOLE, Nbd.CMD_WRITE_ZEROES, 3 << 20, 8192);
        request(out, 0, Nbd.CMD_TRIM, 4 << 20, 4096);
        request(out, Nbd.CMD_FLAG_REQ_ONE, Nbd.CMD_BLOCK_STATUS, 0, TestServer.SIZE);
        request(out, Nbd.CMD_FLAG_DF, Nbd.CMD_READ, 1 << 20, 65536);
        request(out, 0, Nbd.CMD_FLUSH, 0, 0);
        request(out, 0, Nbd.CMD_DISC, 0, 0);
        return bytes.toByteArray();
    }

    private static void option(DataOutputStream out, int option, byte... data) throws IOException {
        out.writeLong(Nbd.OPTION_MAGIC);
        out.writeInt(option);
        out.writeInt(data.length);
        out.write(data);
    }

    private static void request(DataOutputStream out, int flags, int type, long offset, int length) throws IOException {
        out.writeInt(Nbd.REQUEST_MAGIC);
        out.writeShort(flags);
        out.writeShort(type);
        out.writeLong(offset + type);
        out.writeLong(offset);
        out.writeInt(length);
    }
}
