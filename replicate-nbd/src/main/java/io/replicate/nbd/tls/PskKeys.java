package io.replicate.nbd.tls;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The keys of users, from a file as GnuTLS' {@code psktool} writes it, and nbdkit, libnbd and QEMU read it: a line for
 * each user, {@code NAME:HEXKEY}. Immutable.
 */
final class PskKeys {
    private static final long MAX_FILE = 1 << 20;
    private static final int MIN_KEY = 16;
    private static final int MAX_KEY = 512;

    private final Map<String, byte[]> keys = new LinkedHashMap<>();

    private PskKeys() {}

    static PskKeys read(Path file) throws ReplicationException {
        final PskKeys read = new PskKeys();
        try {
            if (Files.size(file) > MAX_FILE) {
                throw ReplicationException.misuse("keys " + file + ": more than " + MAX_FILE + " bytes");
            }
            int number = 0;
            for (final String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
                number++;
                if (!line.isBlank()) {
                    read.add(line.strip(), "keys " + file + ": line " + number);
                }
            }
        } catch (final IOException e) {
            throw e instanceof ReplicationException known
                    ? known
                    : ReplicationException.misuse("keys " + file + ": cannot be read: " + e.getMessage());
        }
        if (read.keys.isEmpty()) {
            throw ReplicationException.misuse("keys " + file + ": no keys in it; psktool makes one");
        }
        return read;
    }

    private void add(String line, String where) throws ReplicationException {
        final int colon = line.lastIndexOf(':');
        if (colon < 1) {
            throw ReplicationException.misuse(where + ": expected NAME:HEXKEY");
        }
        final byte[] key;
        try {
            key = HexFormat.of().parseHex(line.substring(colon + 1));
        } catch (final IllegalArgumentException e) {
            throw ReplicationException.misuse(where + ": the key is not hexadecimal"); // and is not repeated in a log
        }
        if (key.length < MIN_KEY || key.length > MAX_KEY) {
            throw ReplicationException.misuse(where + ": a key has " + MIN_KEY + " to " + MAX_KEY + " bytes");
        }
        keys.put(line.substring(0, colon), key);
    }

    /** Returns a copy of the key of a user, or null: the library overwrites what it is given after use. */
    byte @Nullable [] find(byte[] user) {
        final byte[] key = keys.get(new String(user, StandardCharsets.UTF_8));
        return key == null ? null : key.clone();
    }
}
