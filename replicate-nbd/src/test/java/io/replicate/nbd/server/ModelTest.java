package io.replicate.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.file.FileVolume;
import io.replicate.core.memory.MemoryVolume;
import io.replicate.core.spi.Volume;
import io.replicate.nbd.protocol.Nbd;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Commands with all of their flags over several connections of all three header styles, many under way at once, against an
 * array that holds what must be there. Requests that are under way together never touch the same bytes, so that the array
 * knows every answer.
 */
@Timeout(240)
class ModelTest {
    private static final int SIZE = 4 << 20;
    private static final int ROUNDS = 60;
    private static final int BLOCK = 4096;

    @TempDir
    private Path dir;

    /** What an answer must be: the bytes of a read, or success alone. */
    private record Expected(int type, long offset, int length, byte[] bytes, boolean mayBeUnsupported) {}

    private static final class Conn implements AutoCloseable {
        final RawClient client;
        final String style;
        final Map<Long, Expected> open = new HashMap<>();

        Conn(int port, String style) throws IOException {
            client = new RawClient(port).greet();
            this.style = style;
            if (style.equals("extended")) {
                client.ask(Nbd.OPT_EXTENDED_HEADERS);
            } else if (style.equals("structured")) {
                client.ask(Nbd.OPT_STRUCTURED_REPLY);
            }
            if (!style.equals("simple")) {
                client.option(Nbd.OPT_SET_META_CONTEXT, RawClient.contexts("", Nbd.BASE_ALLOCATION));
                client.reply();
                client.reply();
            }
            client.go("");
        }

        boolean chunked() {
            return !style.equals("simple");
        }

        void send(int flags, int type, long cookie, long offset, int length, byte... payload) throws IOException {
            if (style.equals("extended")) {
                client.extended(
                        flags | (type == Nbd.CMD_WRITE ? Nbd.CMD_FLAG_PAYLOAD_LEN : 0),
                        type,
                        cookie,
                        offset,
                        length,
                        payload);
            } else {
                client.request(flags, type, cookie, offset, length, payload);
            }
        }

        /** Reads all answers and compares. */
        void settle() throws IOException {
            final Map<Long, byte[]> partial = new HashMap<>();
            while (!open.isEmpty()) {
                final int magic = client.in.readInt();
                if (magic == Nbd.SIMPLE_REPLY_MAGIC) {
                    final int error = client.in.readInt();
                    final Expected e = open.remove(client.in.readLong());
                    check(e, error);
                    if (e.type == Nbd.CMD_READ) {
                        assertThat(chunked()).isFalse();
                        assertThat(client.in.readNBytes(e.length)).isEqualTo(e.bytes);
                    }
                } else {
                    chunk(magic, partial);
                }
            }
        }

        private void check(Expected e, int error) {
            assertThat(error == 95 && e.mayBeUnsupported ? 0 : error)
                    .as("%s at %d+%d", Nbd.commandName(e.type), e.offset, e.length)
                    .isZero();
        }

        private void chunk(int magic, Map<Long, byte[]> partial) throws IOException {
            final boolean extended = magic == Nbd.EXTENDED_REPLY_MAGIC;
            assertThat(magic)
                    .isEqualTo(style.equals("extended") ? Nbd.EXTENDED_REPLY_MAGIC : Nbd.STRUCTURED_REPLY_MAGIC);
            final boolean done = (client.in.readUnsignedShort() & Nbd.REPLY_FLAG_DONE) != 0;
            final int type = client.in.readUnsignedShort();
            final long cookie = client.in.readLong();
            final Expected e = open.get(cookie);
            if (extended) {
                assertThat(client.in.readLong()).isEqualTo(e.offset);
            }
            final long length = extended ? client.in.readLong() : client.in.readInt();
            final ByteBuffer payload = ByteBuffer.wrap(client.in.readNBytes((int) length));
            if ((type & Nbd.REPLY_ERROR_BIT) != 0) {
                check(e, payload.getInt());
            } else if (type == Nbd.REPLY_OFFSET_DATA || type == Nbd.REPLY_OFFSET_HOLE) {
                final byte[] read = partial.computeIfAbsent(cookie, c -> filled(e.length));
                final int at = (int) (payload.getLong() - e.offset);
                if (type == Nbd.REPLY_OFFSET_DATA) {
                    payload.get(read, at, payload.remaining());
                } else {
                    Arrays.fill(read, at, at + payload.getInt(), (byte) 0);
                }
            } else if (type == Nbd.REPLY_BLOCK_STATUS || type == Nbd.REPLY_BLOCK_STATUS_EXT) {
                status(e, payload, extended);
            } else {
                assertThat(type).isEqualTo(Nbd.REPLY_NONE);
            }
            if (done) {
                open.remove(cookie);
                if (e.type == Nbd.CMD_READ) {
                    assertThat(partial.remove(cookie)).isEqualTo(e.bytes);
                }
            }
        }

        /** A range that has not come must not look like one of zeroes. */
        private static byte[] filled(int length) {
            final byte[] bytes = new byte[length];
            Arrays.fill(bytes, (byte) 0x5a);
            return bytes;
        }

        private static void status(Expected e, ByteBuffer payload, boolean wide) {
            payload.getInt();
            if (wide) {
                payload.getInt();
            }
            long at = 0;
            while (payload.hasRemaining()) {
                final long run = wide ? payload.getLong() : payload.getInt();
                final long flags = wide ? payload.getLong() : payload.getInt();
                assertThat(run).isPositive();
                for (long i = at; i < Math.min(at + run, e.length) && (flags & Nbd.STATE_ZERO) != 0; i++) {
                    assertThat(e.bytes[(int) i])
                            .as("said to be zero: %d", e.offset + i)
                            .isZero();
                }
                at += run;
            }
        }

        @Override
        public void close() throws IOException {
            client.close();
        }
    }

    @ParameterizedTest
    @CsvSource({"memory, simple", "memory, mixed", "file, structured", "file, extended", "file, mixed"})
    void everyAnswerIsThatOfTheModel(String kind, String styles) throws Exception {
        final long seed = Long.getLong("replicate.seed", System.nanoTime());
        final Random random = new Random(seed);
        final byte[] model = new byte[SIZE];
        try (Volume volume = volume(kind);
                NbdServer server = NbdServer.builder()
                        .export(Export.of("", volume))
                        .tcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                        .start()) {
            final List<Conn> conns = new ArrayList<>();
            try {
                for (final String style : List.of("simple", "structured", "extended")) {
                    conns.add(new Conn(server.port(), styles.equals("mixed") ? style : styles));
                }
                for (int round = 0; round < ROUNDS; round++) {
                    round(conns, model, random, kind.equals("memory"));
                    for (final Conn conn : conns) {
                        conn.settle();
                    }
                }
                final ByteBuffer all = ByteBuffer.allocate(SIZE);
                volume.read(0, all);
                assertThat(Arrays.mismatch(all.array(), model)).isEqualTo(-1);
            } finally {
                for (final Conn conn : conns) {
                    conn.close();
                }
            }
        } catch (final Throwable e) {
            throw new AssertionError("-Dreplicate.seed=" + seed, e);
        }
    }

    private Volume volume(String kind) throws IOException {
        if (kind.equals("memory")) {
            return new MemoryVolume("model", SIZE);
        }
        final Path file = dir.resolve("model.img");
        try (RandomAccessFile sized = new RandomAccessFile(file.toFile(), "rw")) {
            sized.setLength(SIZE);
        }
        return FileVolume.open(file, false, FileVolume.Mode.READ_WRITE);
    }

    /** Sends a batch over all connections: each request has a part of the export for itself. */
    private static void round(List<Conn> conns, byte[] model, Random random, boolean trimmedIsZero) throws IOException {
        final int parts = 24;
        final int part = SIZE / parts & -BLOCK;
        for (int i = 0; i < parts; i++) {
            final Conn conn = conns.get(random.nextInt(conns.size()));
            final int length = 1 + random.nextInt(random.nextBoolean() ? part : 5000);
            final int at = i * part + random.nextInt(part - length + 1);
            final int fua = random.nextBoolean() ? Nbd.CMD_FLAG_FUA : 0;
            final long cookie = random.nextLong();
            boolean unsupported = false;
            switch (random.nextInt(7)) {
                case 0, 1 -> {
                    final byte[] bytes = new byte[length];
                    random.nextBytes(bytes);
                    System.arraycopy(bytes, 0, model, at, length);
                    conn.send(fua, Nbd.CMD_WRITE, cookie, at, length, bytes);
                    conn.open.put(cookie, new Expected(Nbd.CMD_WRITE, at, length, bytes, false));
                }
                case 2 -> {
                    final int hole = random.nextBoolean() ? Nbd.CMD_FLAG_NO_HOLE : 0;
                    Arrays.fill(model, at, at + length, (byte) 0);
                    conn.send(fua | hole, Nbd.CMD_WRITE_ZEROES, cookie, at, length);
                    conn.open.put(cookie, new Expected(Nbd.CMD_WRITE_ZEROES, at, length, new byte[0], false));
                }
                case 3 -> {
                    // what has no fast way must not have changed: zeroes are zeroed, so that both answers are right
                    Arrays.fill(model, at, at + length, (byte) 0);
                    conn.send(fua, Nbd.CMD_WRITE_ZEROES, cookie, at, length);
                    conn.open.put(cookie, new Expected(Nbd.CMD_WRITE_ZEROES, at, length, new byte[0], false));
                    conn.settle();
                    unsupported = true;
                    conn.send(fua | Nbd.CMD_FLAG_FAST_ZERO, Nbd.CMD_WRITE_ZEROES, ~cookie, at, length);
                    conn.open.put(~cookie, new Expected(Nbd.CMD_WRITE_ZEROES, at, length, new byte[0], unsupported));
                }
                case 4 -> {
                    if (trimmedIsZero) {
                        Arrays.fill(model, at, at + length, (byte) 0);
                        conn.send(fua, Nbd.CMD_TRIM, cookie, at, length);
                        conn.open.put(cookie, new Expected(Nbd.CMD_TRIM, at, length, new byte[0], false));
                    } else {
                        conn.send(0, Nbd.CMD_FLUSH, cookie, 0, 0);
                        conn.open.put(cookie, new Expected(Nbd.CMD_FLUSH, 0, 0, new byte[0], false));
                    }
                }
                case 5 -> {
                    if (conn.chunked() && random.nextInt(3) == 0) {
                        final int one = random.nextBoolean() ? Nbd.CMD_FLAG_REQ_ONE : 0;
                        conn.send(one, Nbd.CMD_BLOCK_STATUS, cookie, at, length);
                        conn.open.put(
                                cookie,
                                new Expected(
                                        Nbd.CMD_BLOCK_STATUS,
                                        at,
                                        length,
                                        Arrays.copyOfRange(model, at, at + length),
                                        false));
                    } else {
                        conn.send(0, Nbd.CMD_CACHE, cookie, at, length);
                        conn.open.put(cookie, new Expected(Nbd.CMD_CACHE, at, length, new byte[0], false));
                    }
                }
                default -> {
                    final int df = conn.chunked() && random.nextBoolean() ? Nbd.CMD_FLAG_DF : 0;
                    conn.send(df, Nbd.CMD_READ, cookie, at, length);
                    conn.open.put(
                            cookie,
                            new Expected(Nbd.CMD_READ, at, length, Arrays.copyOfRange(model, at, at + length), false));
                }
            }
        }
    }
}
