package io.replicate.core.file;

import io.replicate.core.posix.DurableFiles;
import io.replicate.core.spi.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Remembers whose half-made copy a device holds, for a device cannot: a small file in the state directory, named by the
 * device's identity. It is there only while a resumable session is under way or was interrupted. Used by one thread.
 */
final class DeviceMark {
    private static final Logger log = LoggerFactory.getLogger(DeviceMark.class);
    private static final String FORMAT = "replicate-device 1";
    private static final int NAME_BYTES = 16;

    private final Path directory;
    private final @Nullable Path file;
    private final String content;
    private boolean written;

    private DeviceMark(final Path directory, final @Nullable Path file, final String content) {
        this.directory = directory;
        this.file = file;
        this.content = content;
    }

    /**
     * Returns the mark of a session that begins, and takes away one that another session has left.
     *
     * @param key of a session that can be resumed, or null.
     */
    static DeviceMark of(final Path state, final Path device, final long sizeBytes, final @Nullable String key)
            throws IOException {
        final String identity = DeviceIdentity.of(device);
        final Path directory = state.resolve("devices");
        final Path file = identity.isEmpty() ? null : directory.resolve(nameOf(identity));
        final String content = FORMAT + "\n" + identity + "\nsize " + sizeBytes + "\nkey " + key + "\n";
        final DeviceMark mark = new DeviceMark(directory, file, content);
        mark.written = key != null && content.equals(mark.read());
        if (!mark.written) {
            mark.remove();
        }
        return key == null ? new DeviceMark(directory, null, content) : mark;
    }

    private static String nameOf(final String identity) {
        final byte[] hash =
                Digest.Algorithm.SHA_256.newMessageDigest().digest(identity.getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().formatHex(Arrays.copyOf(hash, NAME_BYTES));
    }

    private String read() throws IOException {
        try {
            return file == null ? "" : Files.readString(file);
        } catch (final NoSuchFileException e) {
            return "";
        }
    }

    /** Returns whether the device holds what a session with the same key and size has left. */
    boolean found() {
        return written;
    }

    /** Says, durably, that the device holds what this session has flushed. */
    void write() {
        if (written || file == null) {
            return;
        }
        try {
            Files.createDirectories(directory);
            DurableFiles.replace(file, ByteBuffer.wrap(content.getBytes(StandardCharsets.UTF_8)));
        } catch (final IOException e) {
            log.warn("{}: cannot be written ({}): this copy will start over if it is interrupted", file, e.toString());
        }
        written = true;
    }

    /** Takes the mark away, durably: from now on the device holds nothing to go on with. */
    void remove() throws IOException {
        if (file != null && Files.deleteIfExists(file)) {
            DurableFiles.fsyncDirectory(directory);
        }
        written = false;
    }
}
