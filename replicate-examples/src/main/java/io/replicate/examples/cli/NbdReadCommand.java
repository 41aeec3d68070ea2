package io.replicate.examples.cli;

import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Sizes;
import io.replicate.nbd.client.NbdAddress;
import io.replicate.nbd.client.NbdVolume;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

@Command(name = "read", header = "Write bytes of an export to standard output, or to a file.")
final class NbdReadCommand extends AbstractCommand {
    private static final int PIECE = 1 << 20;
    private static final long FULL_PAUSE_NANOS = 1_000_000;

    @Parameters(index = "0", paramLabel = "URI", description = "nbd://HOST[:PORT]/EXPORT, nbds:, nbd+unix:, nbds+unix:")
    private String uri = "";

    @Option(names = "--offset", paramLabel = "SIZE", description = "Where to begin (default: 0).")
    private String offset = "0";

    @Option(names = "--length", paramLabel = "SIZE", description = "How much to read (default: to the end).")
    private @Nullable String length;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "Where to write it.")
    private @Nullable Path output;

    @Option(names = "--json", description = "Print what was read as JSON; needs --output.")
    private boolean json;

    @Override
    int run() throws Exception {
        if (json && output == null) {
            throw new ParameterException(spec.commandLine(), "--json needs --output: the bytes go to standard output");
        }
        final long from = Sizes.parse("--offset", offset);
        try (NbdVolume volume = NbdVolume.open(NbdAddress.of(Locator.parse(uri)))) {
            final long size = volume.info().sizeBytes();
            final long bytes = length == null ? size - from : Sizes.parse("--length", length);
            if (from > size || bytes > size - from) {
                throw ReplicationException.misuse("offset " + from
                        + (length == null ? " is" : " and length " + bytes + " go") + " beyond the export's " + size
                        + " bytes");
            }
            // not System.out, which keeps its errors to itself
            try (FileOutputStream to =
                    output == null ? new FileOutputStream(FileDescriptor.out) : new FileOutputStream(output.toFile())) {
                copy(volume, from, bytes, to.getChannel());
            }
            if (json) {
                final Map<String, Object> fields = new LinkedHashMap<>();
                fields.put("offset", from);
                fields.put("length", bytes);
                fields.put("output", String.valueOf(output));
                new JsonLines(out()).print(fields);
            }
        }
        return ExitCode.OK;
    }

    private void copy(NbdVolume volume, long from, long bytes, WritableByteChannel to) throws IOException {
        final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
        for (long done = 0; done < bytes; ) {
            piece.clear().limit((int) Math.min(PIECE, bytes - done));
            volume.read(from + done, piece);
            done += piece.flip().remaining();
            try {
                while (piece.hasRemaining()) {
                    if (to.write(piece) == 0) {
                        LockSupport.parkNanos(FULL_PAUSE_NANOS); // an output that does not block, and is full
                    }
                }
            } catch (final IOException e) {
                throw ReplicationException.fail(
                        (output == null ? "standard output" : output) + ": " + e.getMessage(), e);
            }
        }
    }
}
