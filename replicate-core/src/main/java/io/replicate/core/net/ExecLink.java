package io.replicate.core.net;

import io.replicate.core.block.Block;
import io.replicate.core.spi.FileSlice;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Peer;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The pipes of a child process. When they end, the exit status says why. {@link #close()} ends the child's input and
 * lets it finish; if it does not, it is terminated, and killed at last.
 */
final class ExecLink implements Link {
    private static final Logger log = LoggerFactory.getLogger(ExecLink.class);

    /** How long a child may take from the end of its streams to its exit. */
    private static final Duration GRACE = Duration.ofSeconds(2);

    private final PipeLink pipes;
    private final Process process;

    ExecLink(final PipeLink pipes, final Process process) {
        this.pipes = pipes;
        this.process = process;
    }

    private interface Step {
        void run() throws IOException;
    }

    @Override
    public int receive(final ByteBuffer into) throws IOException {
        final int n = pipes.receive(into);
        if (n < 0 && exited(GRACE) && process.exitValue() != 0) {
            throw ReplicationException.retry("receive from " + pipes.peer() + ": " + status(), null);
        }
        return n;
    }

    private void send(final Step step) throws IOException {
        try {
            step.run();
        } catch (final ReplicationException e) {
            if (e.category() == ReplicationException.Category.RETRY && exited(Duration.ZERO)) {
                throw ReplicationException.retry(e.getMessage() + "; " + status(), e);
            }
            throw e;
        }
    }

    private String status() {
        final int status = process.exitValue();
        // 128 and more is how shells and the JDK say it: killed by a signal
        return status > 128
                ? "the command was ended by signal " + (status - 128)
                : "the command has exited with status " + status;
    }

    private boolean exited(final Duration wait) {
        try {
            return process.waitFor(wait.toMillis(), TimeUnit.MILLISECONDS);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            return !process.isAlive();
        }
    }

    @Override
    public void send(final ByteBuffer... buffers) throws IOException {
        send(() -> pipes.send(buffers));
    }

    @Override
    public void send(final Block... blocks) throws IOException {
        send(() -> pipes.send(blocks));
    }

    @Override
    public long sendFile(final FileSlice slice) throws IOException {
        send(() -> pipes.sendFile(slice));
        return slice.length();
    }

    @Override
    public void timeout(final Duration idle) {
        pipes.timeout(idle);
    }

    @Override
    public void shutdownOutput() throws IOException {
        pipes.shutdownOutput();
    }

    @Override
    public Peer peer() {
        return pipes.peer();
    }

    @Override
    public void close() throws IOException {
        pipes.close();
        if (exited(GRACE)) {
            return;
        }
        log.info("{} does not end by itself; it is terminated", peer());
        process.destroy();
        if (!exited(GRACE)) {
            process.destroyForcibly();
        }
    }

    @Override
    public String toString() {
        return pipes.toString();
    }
}
