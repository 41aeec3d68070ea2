package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import io.replicate.core.net.SharedSecret;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** Unpacks a tar stream below a directory; tar's exit status counts. What it has unpacked stays, also on a failure. */
final class TarTarget implements StreamTarget {
    private static final long EXIT_WAIT_SECONDS = 600;
    private static final long EPIPE_WAIT_SECONDS = 5;

    private final Path directory;
    private final Process tar;
    private final OutputStream input;
    private final WritableByteChannel channel;
    private boolean ended;
    private boolean committed;

    TarTarget(final Path directory) throws IOException {
        this.directory = directory;
        if (!Files.isDirectory(directory)) {
            throw ReplicationException.misuse(directory + ": no such directory; make it first");
        }
        tar = SharedSecret.keepFrom(new ProcessBuilder("tar", "-C", directory.toString(), "-xf", "-"))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        input = tar.getOutputStream();
        channel = Channels.newChannel(input);
    }

    @Override
    public void write(final long offset, final Block block) throws IOException {
        final var bytes = block.bytes();
        try {
            while (!ended && bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (final IOException e) {
            if (exitStatus() != 0) {
                throw tar.isAlive() ? e : failed();
            }
            ended = true; // what follows the end of an archive is padding
        }
    }

    private int exitStatus() throws IOException {
        try {
            return tar.waitFor(EPIPE_WAIT_SECONDS, TimeUnit.SECONDS) ? tar.exitValue() : -1;
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "interrupted", e);
        }
    }

    private ReplicationException failed() {
        return ReplicationException.fail(
                "tar failed with status " + tar.exitValue() + " in " + directory + ": not all files were unpacked",
                null);
    }

    @Override
    public void commit() throws IOException {
        try {
            input.close();
        } catch (final IOException e) {
            // tar has ended; its status says whether it has all
        }
        try {
            if (!tar.waitFor(EXIT_WAIT_SECONDS, TimeUnit.SECONDS)) {
                throw ReplicationException.fail("tar did not end in " + directory, null);
            }
            if (tar.exitValue() != 0) {
                throw failed();
            }
            // files of many names: only the file system as a whole can be made durable
            if (new ProcessBuilder("sync", "-f", directory.toString()).start().waitFor() != 0) {
                throw ReplicationException.fail("sync of the file system of " + directory + " failed", null);
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "interrupted", e);
        }
        committed = true;
    }

    @Override
    public void close() throws IOException {
        if (!committed) {
            tar.destroy();
        }
        Threads.closeQuietly(channel);
    }
}
