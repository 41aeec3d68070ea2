package io.replicate.delta.sync;

import io.replicate.core.posix.DurableFiles;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Optional;

/**
 * What the copies were last brought to: one line {@code date;uuid}, as OpenSVC writes it, with the uuid of the snapshot.
 */
final class SyncState {
    private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSSSSS");

    private final Path file;

    SyncState(final Path file) {
        this.file = file;
    }

    /**
     * Returns the uuid.
     *
     * @throws ReplicationException CORRUPT when the file holds something else.
     */
    Optional<String> uuid() throws IOException {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        final String text = Files.readString(file, StandardCharsets.UTF_8).strip();
        final int semicolon = text.indexOf(';');
        final String uuid = semicolon < 0 ? "" : text.substring(semicolon + 1);
        if (!uuid.matches("[A-Za-z0-9-]{1,64}") || text.contains("\n")) {
            throw ReplicationException.corrupt(
                    file + ": is no state of a sync, 'date;uuid' is expected; remove it for a full sync");
        }
        return Optional.of(uuid);
    }

    /** Stores the uuid, durably. */
    void store(final String uuid) throws IOException {
        Files.createDirectories(file.toAbsolutePath().getParent());
        final String line = DATE.format(LocalDateTime.now(ZoneId.systemDefault())) + ";" + uuid + "\n";
        DurableFiles.replace(file, ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)));
    }
}
