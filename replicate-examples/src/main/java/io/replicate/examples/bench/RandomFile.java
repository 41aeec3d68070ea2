package io.replicate.examples.bench;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** A file of bytes that nothing can shorten; the same ones in every run. */
final class RandomFile {
    private static final int CHUNK_BYTES = 1 << 20;

    private RandomFile() {}

    static void write(final Path path, final long bytes) throws IOException {
        final byte[] chunk = new byte[CHUNK_BYTES];
        final Random random = new Random(1);
        try (OutputStream file = Files.newOutputStream(path)) {
            for (long done = 0; done < bytes; done += chunk.length) {
                random.nextBytes(chunk);
                file.write(chunk, 0, (int) Math.min(chunk.length, bytes - done));
            }
        }
    }
}
