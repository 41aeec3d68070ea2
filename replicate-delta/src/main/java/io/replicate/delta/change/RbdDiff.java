package io.replicate.delta.change;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Reads the incremental image diff of {@code rbd export-diff}, versions 1 and 2. Source: the page "RBD Incremental
 * Backup" (rbd-diff) of the Ceph documentation. All integers little-endian:
 *
 * <pre>
 *  "rbd diff v1\n" or "rbd diff v2\n"; in v2 every record but 'e' has a u64 length behind its tag
 *  'f' u32 length, name: from snapshot     't' u32 length, name: to snapshot     's' u64 image size
 *  'w' u64 offset, u64 length, data        'z' u64 offset, u64 length: zeros     'e' the end
 * </pre>
 *
 * Used once, by one thread.
 */
public final class RbdDiff {
    /** The first bytes of both versions. */
    public static final String MAGIC = "rbd diff v";

    static final String V1 = MAGIC + "1\n";
    private static final String V2 = MAGIC + "2\n";
    private static final int MAX_NAME = 4096;
    private static final int PIECE_BYTES = 256 << 10;

    private final ReadableByteChannel in;
    private final String where;
    private final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private long offset;

    /** Takes a diff apart, in the order of its records. */
    public interface Visitor {
        /** Takes the size of the image, in bytes. */
        void size(long bytes) throws IOException;

        /** Takes a piece of written data; a record may come in several. Borrowed for the call. */
        void data(long offset, ByteBuffer bytes) throws IOException;

        /** Takes a range of zeros. */
        void zeros(long offset, long length) throws IOException;
    }

    /**
     * The names of a diff.
     *
     * @param from snapshot, or null.
     * @param to snapshot, or null.
     */
    public record Names(@Nullable String from, @Nullable String to) {}

    /** Creates a reader; the channel stays open. */
    public RbdDiff(final ReadableByteChannel in, final String where) {
        this.in = in;
        this.where = where;
    }

    /**
     * Reads the diff to its end record.
     *
     * @throws ReplicationException CORRUPT when it is cut, or is no such diff.
     */
    public Names read(final Visitor visitor) throws IOException {
        final byte[] magic = new byte[V1.length()];
        need(magic.length).get(magic);
        final String version = new String(magic, StandardCharsets.US_ASCII);
        if (!version.equals(V1) && !version.equals(V2)) {
            throw ReplicationException.corrupt(where + ": is no rbd diff of version 1 or 2");
        }
        final boolean v2 = version.equals(V2);
        @Nullable String from = null;
        @Nullable String to = null;
        while (true) {
            final char tag = (char) (need(1).get() & 0xff);
            if (tag == 'e') {
                return new Names(from, to);
            }
            final long length = v2 ? need(8).getLong() : -1;
            if (v2 && length < 0) {
                throw ReplicationException.corrupt(where + ": offset " + (offset - 8) + ": a record of "
                        + Long.toUnsignedString(length) + " bytes");
            }
            switch (tag) {
                case 'f' -> from = name(length);
                case 't' -> to = name(length);
                case 's' -> {
                    requireLength(length, Long.BYTES, tag);
                    visitor.size(range(need(Long.BYTES).getLong(), 0));
                }
                case 'w' -> {
                    final long at = need(8).getLong();
                    final long bytes = range(need(8).getLong(), at);
                    requireLength(length, 2 * Long.BYTES + bytes, tag);
                    data(at, bytes, visitor);
                }
                case 'z' -> {
                    requireLength(length, 2 * Long.BYTES, tag);
                    final long at = need(8).getLong();
                    visitor.zeros(at, range(need(8).getLong(), at));
                }
                default -> {
                    if (!v2) {
                        throw ReplicationException.corrupt(
                                where + ": offset " + (offset - 1) + ": record of unknown type '" + tag + "'");
                    }
                    skip(length);
                }
            }
        }
    }

    private long range(final long length, final long at) throws ReplicationException {
        if (length < 0 || at < 0 || at > Long.MAX_VALUE - length) {
            throw ReplicationException.corrupt(where + ": offset " + (offset - 8) + ": a range at "
                    + Long.toUnsignedString(at) + " of length " + Long.toUnsignedString(length));
        }
        return length;
    }

    /** In version 2 a record says how long it is: a second time, for those that it is made of. */
    private void requireLength(final long said, final long real, final char tag) throws ReplicationException {
        if (said >= 0 && said != real) {
            throw ReplicationException.corrupt(where + ": offset " + offset + ": a record '" + tag + "' of " + said
                    + " bytes has content of " + real);
        }
    }

    private String name(final long said) throws IOException {
        final int length = need(4).getInt();
        if (length < 0 || length > MAX_NAME) {
            throw ReplicationException.corrupt(
                    where + ": a snapshot name of " + Integer.toUnsignedString(length) + " bytes");
        }
        requireLength(said, Integer.BYTES + length, 'f');
        final byte[] name = new byte[length];
        need(length).get(name);
        return new String(name, StandardCharsets.UTF_8);
    }

    private void data(final long at, final long length, final Visitor visitor) throws IOException {
        for (long done = 0; done < length; ) {
            final int n = (int) Math.min(PIECE_BYTES, length - done);
            visitor.data(at + done, need(n));
            done += n;
        }
    }

    private void skip(final long length) throws IOException {
        for (long left = length; left > 0; ) {
            final int n = (int) Math.min(PIECE_BYTES, left);
            need(n);
            left -= n;
        }
    }

    private ByteBuffer need(final int n) throws IOException {
        piece.clear().limit(n);
        while (piece.hasRemaining()) {
            if (in.read(piece) < 0) {
                throw ReplicationException.corrupt(
                        where + ": the diff was cut at offset " + (offset + piece.position()));
            }
        }
        offset += n;
        return piece.flip();
    }
}
