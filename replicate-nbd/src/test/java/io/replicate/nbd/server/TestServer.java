package io.replicate.nbd.server;

import io.replicate.core.memory.MemoryVolume;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Set;
import java.util.function.UnaryOperator;

/** A server with one export in memory, 8 MiB, whose byte at each offset is known. */
final class TestServer implements AutoCloseable {
    static final int SIZE = 8 << 20;
    static final String NAME = "disk";

    final MemoryVolume volume = new MemoryVolume("test", SIZE);
    final NbdServer server;

    TestServer() throws IOException {
        this(builder -> builder);
    }

    TestServer(UnaryOperator<NbdServer.Builder> more) throws IOException {
        fill(volume, 0, 1 << 20);
        server = more.apply(NbdServer.builder()
                        .export(Export.of(NAME, volume).description("a test"))
                        .tcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)))
                .start();
    }

    static byte at(long offset) {
        return (byte) (offset * 31 + (offset >>> 8));
    }

    static byte[] bytes(long offset, int length) {
        final byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = at(offset + i);
        }
        return bytes;
    }

    static void fill(io.replicate.core.spi.Volume volume, long offset, int length) throws IOException {
        volume.write(offset, ByteBuffer.wrap(bytes(offset, length)), Set.of());
    }

    byte[] stored(long offset, int length) {
        final ByteBuffer into = ByteBuffer.allocate(length);
        volume.read(offset, into);
        return into.array();
    }

    RawClient client() throws IOException {
        return new RawClient(server.port());
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
