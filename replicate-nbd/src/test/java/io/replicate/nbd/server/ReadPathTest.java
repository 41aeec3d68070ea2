package io.replicate.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.file.FileVolume;
import io.replicate.nbd.protocol.Nbd;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Reads of a file take three ways to the socket, by their length: whatever is mixed, each gets its bytes. */
class ReadPathTest {
    private static final int SIZE = 16 << 20;
    private static final int[] LENGTHS = {
        1,
        4096,
        32 << 10,
        (32 << 10) + 1,
        64 << 10,
        128 << 10,
        256 << 10,
        (256 << 10) + 1,
        1 << 20,
        (1 << 20) + 1,
        3 << 20
    };

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void readsOfAllLengthsAtOnce(boolean structured) throws Exception {
        final Path file = Files.write(directory.resolve("disk"), TestServer.bytes(0, SIZE));
        try (FileVolume volume = FileVolume.open(file, false, FileVolume.Mode.READ_ONLY);
                NbdServer server = NbdServer.builder()
                        .export(Export.of("", volume).readOnly())
                        .tcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                        .start();
                RawClient c = new RawClient(server.port())) {
            final RawClient client = structured ? c.structured("") : c.simple("");
            for (int round = 0; round < 3; round++) {
                final Map<Long, Integer> open = new HashMap<>();
                for (int i = 0; i < 4 * LENGTHS.length; i++) {
                    final int length = LENGTHS[i % LENGTHS.length];
                    final long offset = (i * 777_777L) % (SIZE - length);
                    final long cookie = offset << 8 | i;
                    open.put(cookie, length);
                    client.request(structured ? Nbd.CMD_FLAG_DF : 0, Nbd.CMD_READ, cookie, offset, length);
                }
                while (!open.isEmpty()) {
                    take(client, structured, open);
                }
            }
        }
    }

    private static void take(RawClient client, boolean structured, Map<Long, Integer> open) throws Exception {
        final long cookie;
        final byte[] bytes;
        if (structured) {
            final RawClient.Chunk chunk = client.chunk();
            if (chunk.type() == Nbd.REPLY_NONE) {
                return;
            }
            assertThat(chunk.type()).isEqualTo(Nbd.REPLY_OFFSET_DATA);
            cookie = chunk.cookie();
            bytes = Arrays.copyOfRange(chunk.payload(), Long.BYTES, chunk.payload().length);
        } else {
            assertThat(client.in.readInt()).isEqualTo(Nbd.SIMPLE_REPLY_MAGIC);
            assertThat(client.in.readInt()).isZero();
            cookie = client.in.readLong();
            bytes = client.in.readNBytes(open.get(cookie));
        }
        final int length = open.remove(cookie);
        assertThat(Arrays.equals(bytes, TestServer.bytes(cookie >>> 8, length)))
                .as("%d bytes at %d", length, cookie >>> 8)
                .isTrue();
    }
}
