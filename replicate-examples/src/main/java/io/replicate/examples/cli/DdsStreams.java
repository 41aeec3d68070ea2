package io.replicate.examples.cli;

import io.replicate.core.spi.Locator;
import io.replicate.delta.DeltaInput;
import io.replicate.delta.Images;
import io.replicate.delta.cow.SnapReport;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/** The streams of {@code dds}: standard input and output, files, devices and pipes. */
record DdsStreams(PrintWriter out, PrintWriter err) {

    /** A delta to read, with what must be closed behind it. */
    record Opened(DeltaInput input, AutoCloseable resource) implements AutoCloseable {
        @Override
        public void close() throws IOException {
            try {
                resource.close();
            } catch (final IOException | RuntimeException e) {
                throw e;
            } catch (final Exception e) {
                throw new IOException(e);
            }
        }
    }

    /** Prints the report of dds. */
    void report(final SnapReport report) {
        err.println(report.header());
        err.println(report.counts());
    }

    /** Opens standard input, a pipe, a file or a device. */
    Opened input(final @Nullable String name) throws IOException {
        if (name == null || name.equals("-")) {
            final FileChannel in = new FileInputStream(FileDescriptor.in).getChannel();
            return new Opened(DeltaInput.of(in, "standard input"), in);
        }
        final Locator locator = Locator.parse(name);
        if (locator.scheme().equals("file") && isPipe(Path.of(locator.rest()))) {
            final FileChannel in = FileChannel.open(Path.of(locator.rest()), StandardOpenOption.READ);
            return new Opened(DeltaInput.of(in, name), in);
        }
        final Images.Opened file = Images.source(locator);
        return new Opened(DeltaInput.of(file, name), file);
    }

    private static boolean isPipe(final Path path) throws IOException {
        if (!Files.exists(path) || Files.isRegularFile(path) || Files.isDirectory(path)) {
            return false;
        }
        final int type = (Integer) Files.getAttribute(path, "unix:mode") & 0xF000;
        return type != 0x6000;
    }

    /** Returns standard output as a channel. */
    static WritableByteChannel standardOutput() {
        return new FileOutputStream(FileDescriptor.out).getChannel();
    }
}
