package io.replicate.core.file;

import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Progress;
import io.replicate.core.spi.ReplicationException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/**
 * The bytes of a checkpoint file. Big-endian:
 *
 * <pre>
 * offset  length
 * 0       8       magic "RPLCKPT\n"
 * 8       2       version, 1
 * 10      2       length of the job id, 1..64
 * 12      4       number of entries, 0..1024
 * 16      …       job id, ASCII
 *                 per entry, keys ascending: key length (2, 1..255), key (ASCII), value length (4), value
 * end-4   4       CRC32C of everything before
 * </pre>
 *
 * A file is at most {@link #MAX_BYTES} long; every length is checked against what is left before it is used.
 */
final class CheckpointCodec {
    /** The longest file that is written or read, in bytes. */
    static final int MAX_BYTES = 64 << 20;

    static final int VERSION = 1;
    static final byte[] MAGIC = "RPLCKPT\n".getBytes(StandardCharsets.US_ASCII);

    private static final int HEADER_BYTES = 16;
    private static final int CRC_BYTES = 4;
    private static final int MAX_ENTRIES = 1024;
    private static final int MAX_KEY_BYTES = 255;
    private static final int MAX_JOB_BYTES = 64;

    /** What a file holds. */
    record Content(JobId job, Progress progress) {}

    private CheckpointCodec() {}

    /** Returns the bytes of a file; IllegalArgumentException when a key or the whole is too long. */
    static ByteBuffer encode(final JobId job, final Progress progress) {
        final Map<String, byte[]> sorted = new TreeMap<>(progress.values());
        if (sorted.size() > MAX_ENTRIES) {
            throw new IllegalArgumentException(sorted.size() + " entries in a checkpoint, at most " + MAX_ENTRIES);
        }
        long length = (long) HEADER_BYTES + job.value().length() + CRC_BYTES;
        for (final Map.Entry<String, byte[]> entry : sorted.entrySet()) {
            requireKey(entry.getKey());
            length += 2L + entry.getKey().length() + 4 + entry.getValue().length;
        }
        if (length > MAX_BYTES) {
            throw new IllegalArgumentException("checkpoint of " + length + " bytes, at most " + MAX_BYTES);
        }
        final ByteBuffer out = ByteBuffer.allocateDirect((int) length);
        out.put(MAGIC)
                .putShort((short) VERSION)
                .putShort((short) job.value().length())
                .putInt(sorted.size())
                .put(ascii(job.value()));
        sorted.forEach((key, value) -> out.putShort((short) key.length())
                .put(ascii(key))
                .putInt(value.length)
                .put(value));
        return out.putInt(crc(out.duplicate().flip())).flip();
    }

    private static void requireKey(final String key) {
        final boolean plain = key.chars().allMatch(c -> c > ' ' && c < 0x7F);
        if (key.isEmpty() || key.length() > MAX_KEY_BYTES || !plain) {
            throw new IllegalArgumentException("checkpoint key '" + key + "'");
        }
    }

    /**
     * Reads the bytes of a file.
     *
     * @param name of the file, for messages.
     * @throws ReplicationException CORRUPT when they are torn or no checkpoint at all, MISUSE when a newer version
     *     wrote them.
     */
    static Content decode(final ByteBuffer in, final String name) throws ReplicationException {
        if (in.remaining() < HEADER_BYTES + CRC_BYTES || !startsWithMagic(in)) {
            throw corrupt(name, "is no checkpoint, or its beginning is lost");
        }
        final int version = Short.toUnsignedInt(in.getShort(in.position() + MAGIC.length));
        if (version > VERSION) {
            throw ReplicationException.misuse("checkpoint " + name + ": has format " + version
                    + ", this program reads up to " + VERSION + "; go on with the newer program that wrote it");
        }
        final int crcAt = in.limit() - CRC_BYTES;
        if (version == 0 || crc(in.duplicate().limit(crcAt)) != in.getInt(crcAt)) {
            throw corrupt(name, "its checksum is wrong, it was cut or changed");
        }
        try {
            return fields(in.slice(in.position() + 10, crcAt - in.position() - 10), name);
        } catch (final BufferUnderflowException | IllegalArgumentException e) {
            throw corrupt(name, "its lengths do not fit"); // whoever wrote it was broken: the checksum is right
        }
    }

    private static Content fields(final ByteBuffer in, final String name) throws ReplicationException {
        final int jobBytes = Short.toUnsignedInt(in.getShort());
        final int count = in.getInt();
        if (jobBytes < 1 || jobBytes > MAX_JOB_BYTES || count < 0 || count > MAX_ENTRIES) {
            throw corrupt(name, "its header is out of bounds");
        }
        final JobId job = new JobId(text(in, jobBytes));
        final Map<String, byte[]> values = new HashMap<>();
        for (int i = 0; i < count; i++) {
            final String key = text(in, Short.toUnsignedInt(in.getShort()));
            requireKey(key);
            values.put(key, bytes(in, in.getInt()));
        }
        if (in.hasRemaining() || values.size() != count) {
            throw corrupt(name, "its entries do not fit");
        }
        return new Content(job, new Progress(values));
    }

    private static boolean startsWithMagic(final ByteBuffer in) {
        return in.slice(in.position(), MAGIC.length).equals(ByteBuffer.wrap(MAGIC));
    }

    private static byte[] bytes(final ByteBuffer in, final int length) {
        if (length < 0 || length > in.remaining()) {
            throw new BufferUnderflowException();
        }
        final byte[] bytes = new byte[length];
        in.get(bytes);
        return bytes;
    }

    private static String text(final ByteBuffer in, final int length) {
        return new String(bytes(in, length), StandardCharsets.US_ASCII);
    }

    private static byte[] ascii(final String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static int crc(final ByteBuffer of) {
        final CRC32C crc = new CRC32C();
        crc.update(of);
        return (int) crc.getValue();
    }

    private static ReplicationException corrupt(final String name, final String why) {
        return ReplicationException.corrupt(
                "checkpoint " + name + ": " + why + "; remove it to start the job from the beginning");
    }
}
