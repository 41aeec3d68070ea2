package io.replicate.examples.cli;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Remembers why the standard output could not be written: a reader that left (head, a pager) is no fault to report. */
final class StandardOutput extends FilterOutputStream {
    private volatile boolean readerGone;

    StandardOutput(final OutputStream out) {
        super(out);
    }

    @Override
    public void write(final int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(final byte[] bytes, final int offset, final int length) throws IOException {
        try {
            out.write(bytes, offset, length);
        } catch (final IOException e) {
            readerGone |= hasReader();
            throw e;
        }
    }

    /** A pipe or a socket fails for one reason. The message of the failure is in the language of the user. */
    private static boolean hasReader() {
        try {
            final String target =
                    Files.readSymbolicLink(Path.of("/proc/self/fd/1")).toString();
            return target.startsWith("pipe:") || target.startsWith("socket:");
        } catch (final IOException e) {
            return false;
        }
    }

    boolean readerIsGone() {
        return readerGone;
    }
}
