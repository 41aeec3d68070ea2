package io.replicate.ring.tar;

import io.replicate.core.net.SharedSecret;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.Charset;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The system's tar at work. What it says on stderr is kept for the error, up to a limit. */
final class TarProcess implements AutoCloseable {
    private static final int MAX_STDERR_BYTES = 4096;
    private static final Duration EXIT_WAIT = Duration.ofMinutes(5);

    private final Process process;
    private final StringBuilder stderr = new StringBuilder();
    private final Thread listener;

    private TarProcess(final Process process) {
        this.process = process;
        this.listener = new Thread(this::listen, "tar-stderr");
        listener.setDaemon(true);
        listener.start();
    }

    static TarProcess start(final List<String> command) throws ReplicationException {
        final ProcessBuilder builder = SharedSecret.keepFrom(new ProcessBuilder(command));
        builder.environment().put("LC_ALL", "C");
        try {
            return new TarProcess(builder.start());
        } catch (final IOException e) {
            throw new ReplicationException(
                    ReplicationException.Category.MISUSE, "tar cannot be started; install it: " + e.getMessage(), e);
        }
    }

    private void listen() {
        final byte[] piece = new byte[512];
        try (InputStream from = process.getErrorStream()) {
            for (int count = from.read(piece); count >= 0; count = from.read(piece)) {
                note(new String(piece, 0, count, Charset.defaultCharset()));
            }
        } catch (final IOException e) {
            note(String.valueOf(e.getMessage()));
        }
    }

    private void note(final String text) {
        synchronized (stderr) {
            if (stderr.length() < MAX_STDERR_BYTES) {
                stderr.append(text);
            }
        }
    }

    InputStream output() {
        return process.getInputStream();
    }

    OutputStream input() {
        return process.getOutputStream();
    }

    /**
     * Waits for the end.
     *
     * @throws ReplicationException FAIL_JOB when tar does not say that all went well.
     */
    void requireSuccess(final String what) throws ReplicationException {
        try {
            if (!process.waitFor(EXIT_WAIT.toSeconds(), TimeUnit.SECONDS)) {
                throw ReplicationException.fail(
                        what + ": tar has not ended within " + EXIT_WAIT.toMinutes() + " minutes", null);
            }
            listener.join(EXIT_WAIT.toMillis());
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(
                    ReplicationException.Category.CANCELLED, "interrupted while waiting for tar", e);
        }
        if (process.exitValue() != 0) {
            throw ReplicationException.fail(what + ": tar ended with " + process.exitValue() + said(), null);
        }
    }

    /** Returns what tar has said, for the end of a message. */
    String said() {
        final String all;
        synchronized (stderr) {
            all = stderr.toString();
        }
        final String text = all.strip().replaceAll("\\s*\\R\\s*", "; ");
        return text.isEmpty() ? "" : ": " + text;
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
