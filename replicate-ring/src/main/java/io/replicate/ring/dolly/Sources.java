package io.replicate.ring.dolly;

import io.replicate.core.spi.ReplicationException;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Opens what a configuration names as its source. */
final class Sources {
    private Sources() {}

    /** Opens the source; a gzip stream is made of it where clients shall store one. */
    static StreamSource open(final DollyConfig config) throws IOException {
        final StreamSource plain = config.splitIn() ? parts(config) : single(config);
        return config.compressedOut() && !config.compressedIn() ? new GzipSource(plain) : plain;
    }

    /** Added links take turns by blocks, which must be in memory; so must what is packed. */
    private static boolean inPlace(final DollyConfig config) {
        return config.add().count() == 0 && !config.compressedOut();
    }

    private static StreamSource single(final DollyConfig config) throws IOException {
        final String name = config.infile();
        if (name.equals("-") || name.equals("/dev/stdin")) {
            return new InputSource("standard input", System.in, () -> {});
        }
        final Path path = Path.of(name);
        if (Files.isDirectory(path)) {
            throw ReplicationException.misuse(
                    name + ": is a directory; the modern dialect sends directories (-D, --dialect modern)");
        }
        if (!Files.exists(path)) {
            throw ReplicationException.misuse(name + ": no such file or device");
        }
        if (!Files.isReadable(path)) {
            throw ReplicationException.misuse(name + ": permission denied");
        }
        if (Files.isRegularFile(path) || Devices.isBlockDevice(path)) {
            return new FileStreamSource(List.of(path), inPlace(config));
        }
        final InputStream in = new FileInputStream(name);
        return new InputSource(name, in, () -> {});
    }

    private static StreamSource parts(final DollyConfig config) throws IOException {
        final String name = config.infile();
        final List<Path> parts = new ArrayList<>();
        while (Files.exists(Path.of(name + "_" + parts.size()))) {
            parts.add(Path.of(name + "_" + parts.size()));
        }
        if (parts.isEmpty()) {
            throw ReplicationException.misuse(name + "_0: no such file, the first part of a split source");
        }
        return new FileStreamSource(parts, inPlace(config));
    }
}
