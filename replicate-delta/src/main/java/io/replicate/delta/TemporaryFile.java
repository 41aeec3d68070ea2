package io.replicate.delta;

import io.replicate.delta.apply.StateFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;

/** A file without a name, which is gone when it is closed. Used by one thread. */
final class TemporaryFile implements StateFile {
    private final FileChannel channel;

    private TemporaryFile(final FileChannel channel) {
        this.channel = channel;
    }

    static TemporaryFile create() throws IOException {
        return new TemporaryFile(FileChannel.open(
                Files.createTempFile("replicate-delta-", ".tmp"),
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                StandardOpenOption.DELETE_ON_CLOSE));
    }

    @Override
    public long size() throws IOException {
        return channel.size();
    }

    @Override
    public void read(final long offset, final ByteBuffer into) throws IOException {
        long at = offset;
        while (into.hasRemaining()) {
            final int n = channel.read(into, at);
            if (n < 0) {
                throw new IOException("a temporary file ends at " + at);
            }
            at += n;
        }
    }

    @Override
    public void write(final long offset, final ByteBuffer from) throws IOException {
        long at = offset;
        while (from.hasRemaining()) {
            at += channel.write(from, at);
        }
    }

    @Override
    public void reserve(final long bytes) {}

    @Override
    public void truncate(final long bytes) throws IOException {
        if (bytes < channel.size()) {
            channel.truncate(bytes);
        } else if (bytes > channel.size()) {
            channel.write(ByteBuffer.allocate(1), bytes - 1);
        }
    }

    @Override
    public void sync() {}

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
