package io.replicate.examples.bench;

import io.replicate.cas.store.Proof;
import io.replicate.core.spi.Digest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;

/** The least that a copier can do: receive a block, hash it once, send it on so many times. No protocol, one thread. */
final class BareRelay {
    private BareRelay() {}

    /** Relays {@code blocks} blocks from the source to {@code copies} connections of the sink. */
    static void run(final String ports, final int blockBytes, final int blocks, final int copies) throws IOException {
        final String[] both = ports.split(" ");
        final List<SocketChannel> sinks = new ArrayList<>();
        final ByteBuffer block = ByteBuffer.allocateDirect(blockBytes);
        try (SocketChannel source = connect(both[0])) {
            for (int i = 0; i < copies; i++) {
                sinks.add(connect(both[1]));
            }
            for (int i = 0; i < blocks; i++) {
                block.clear();
                while (block.hasRemaining() && source.read(block) >= 0) {
                    // Until the block is whole.
                }
                Proof.hash(Digest.Algorithm.MD5, block.flip());
                for (final SocketChannel sink : sinks) {
                    final ByteBuffer view = block.duplicate();
                    while (view.hasRemaining()) {
                        sink.write(view);
                    }
                }
            }
        } finally {
            for (final SocketChannel sink : sinks) {
                sink.close();
            }
        }
    }

    private static SocketChannel connect(final String port) throws IOException {
        return SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(port)));
    }
}
