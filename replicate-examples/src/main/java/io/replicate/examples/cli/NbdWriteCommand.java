package io.replicate.examples.cli;

import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Sizes;
import io.replicate.nbd.client.NbdAddress;
import io.replicate.nbd.client.NbdVolume;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "write", header = "Write standard input, or a file, into an export, and flush it.")
final class NbdWriteCommand extends AbstractCommand {
    private static final int PIECE = 1 << 20;

    @Parameters(index = "0", paramLabel = "URI", description = "nbd://HOST[:PORT]/EXPORT, nbds:, nbd+unix:, nbds+unix:")
    private String uri = "";

    @Option(names = "--offset", paramLabel = "SIZE", description = "Where to begin (default: 0).")
    private String offset = "0";

    @Option(names = "--length", paramLabel = "SIZE", description = "How much to write (default: all of the input).")
    private @Nullable String length;

    @Option(
            names = {"-i", "--input"},
            paramLabel = "FILE",
            description = "What to write.")
    private @Nullable Path input;

    @Option(names = "--json", description = "Print what was written as JSON.")
    private boolean json;

    @Override
    int run() throws Exception {
        final long from = Sizes.parse("--offset", offset);
        final long most = length == null ? Long.MAX_VALUE : Sizes.parse("--length", length);
        try (NbdVolume volume = NbdVolume.open(NbdAddress.of(Locator.parse(uri)));
                InputStream source = input == null ? System.in : new FileInputStream(input.toFile())) {
            final long written = copy(volume, from, most, source);
            volume.flush();
            if (length != null && written < most) {
                throw ReplicationException.fail("the input ended after " + written + " of " + most + " bytes", null);
            }
            if (json) {
                final Map<String, Object> fields = new LinkedHashMap<>();
                fields.put("offset", from);
                fields.put("length", written);
                new JsonLines(out()).print(fields);
            }
        }
        return ExitCode.OK;
    }

    private static long copy(NbdVolume volume, long from, long most, InputStream source) throws IOException {
        final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
        final ReadableByteChannel channel = Channels.newChannel(source);
        final long room = volume.info().sizeBytes() - from;
        long done = 0;
        while (done < most) {
            piece.clear().limit((int) Math.min(PIECE, most - done));
            int got = 0;
            while (piece.hasRemaining() && got >= 0) {
                got = channel.read(piece);
            }
            final int bytes = piece.flip().remaining();
            if (bytes > room - done) {
                throw ReplicationException.misuse("the input is longer than the " + Math.max(0, room)
                        + " bytes from offset " + from + " to the end of the export; " + done + " were written");
            }
            if (bytes > 0) {
                volume.write(from + done, piece, Set.of());
                done += bytes;
            }
            if (got < 0) {
                break;
            }
        }
        return done;
    }
}
