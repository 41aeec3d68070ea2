package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;

/** Standard output, a pipe or a terminal: nothing can be taken back. */
final class OutputTarget implements StreamTarget {
    private final String name;
    private final OutputStream out;
    private final WritableByteChannel channel;

    OutputTarget(final String name, final OutputStream out) {
        this.name = name;
        this.out = out;
        this.channel = Channels.newChannel(out);
    }

    @Override
    public void write(final long offset, final Block block) throws IOException {
        final var bytes = block.bytes();
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
        if (out instanceof java.io.PrintStream print && print.checkError()) {
            throw new IOException("write " + name + ": nobody reads it any more");
        }
    }

    @Override
    public void commit() throws IOException {
        out.flush();
    }

    @Override
    public void close() throws IOException {
        if (out != System.out) {
            channel.close();
        }
    }
}
