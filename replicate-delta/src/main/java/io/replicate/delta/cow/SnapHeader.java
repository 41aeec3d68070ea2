package io.replicate.delta.cow;

import io.replicate.core.spi.ReplicationException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The first 16 bytes of an exception store, little-endian: magic, valid, version, chunk size in sectors.
 *
 * @param layout that follows from the chunk size.
 */
public record SnapHeader(SnapLayout layout) {
    /** Length of the fields in bytes; the rest of chunk 0 is zero, but for a {@link Marker}. */
    public static final int LENGTH = 16;

    /** "SnAp". */
    public static final int MAGIC = 0x70416e53;

    public static final int VERSION = 1;
    public static final int SECTOR_BYTES = 512;

    /** The kernel's own limit: the chunk size in bytes must fit a signed 32-bit number. */
    public static final long MAX_CHUNK_BYTES = 1L << 30;

    private static final int MAGIC_OFFSET = 0;
    private static final int VALID_OFFSET = 4;
    private static final int VERSION_OFFSET = 8;
    private static final int CHUNK_SECTORS_OFFSET = 12;

    /**
     * Parses the header at the position of {@code bytes}, which is left as it is.
     *
     * @param where for messages.
     * @throws ReplicationException CORRUPT for everything that is not a valid store.
     */
    public static SnapHeader parse(final ByteBuffer bytes, final String where) throws ReplicationException {
        final ByteBuffer b = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
        final int magic = b.getInt(MAGIC_OFFSET);
        if (magic == 0) {
            throw ReplicationException.corrupt(
                    where + ": offset 0: magic 0 is a store that was never used;" + " there is nothing to read in it");
        }
        if (magic != MAGIC) {
            throw ReplicationException.corrupt(where + ": offset 0: magic " + hex(magic) + ", expected " + hex(MAGIC)
                    + " (SnAp): not a persistent exception store");
        }
        final int valid = b.getInt(VALID_OFFSET);
        if (valid == 0) {
            throw new InvalidatedException(
                    where + ": the snapshot was invalidated (valid 0: it overflowed, or its metadata could not be"
                            + " written); its changes are lost, do a full sync or a hash exchange",
                    SnapReport.header(
                            Integer.toUnsignedLong(b.getInt(VERSION_OFFSET)),
                            false,
                            Integer.toUnsignedLong(b.getInt(CHUNK_SECTORS_OFFSET)) * SECTOR_BYTES));
        }
        if (valid != 1) {
            throw ReplicationException.corrupt(
                    where + ": offset 4: valid is " + Integer.toUnsignedString(valid) + ", expected 0 or 1");
        }
        final int version = b.getInt(VERSION_OFFSET);
        if (version != VERSION) {
            throw ReplicationException.corrupt(where + ": offset 8: store version " + Integer.toUnsignedString(version)
                    + " is not known, expected 1");
        }
        final long sectors = Integer.toUnsignedLong(b.getInt(CHUNK_SECTORS_OFFSET));
        if (sectors == 0 || Long.bitCount(sectors) != 1 || sectors * SECTOR_BYTES > MAX_CHUNK_BYTES) {
            throw ReplicationException.corrupt(where + ": offset 12: chunk size of " + sectors
                    + " sectors, expected a power of two from 1 to " + MAX_CHUNK_BYTES / SECTOR_BYTES);
        }
        return new SnapHeader(new SnapLayout(sectors * SECTOR_BYTES));
    }

    /** Writes the 16 bytes at the position of {@code into} and moves on. */
    public void put(final ByteBuffer into) {
        final ByteBuffer b = into.slice().order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(MAGIC_OFFSET, MAGIC);
        b.putInt(VALID_OFFSET, 1);
        b.putInt(VERSION_OFFSET, VERSION);
        b.putInt(CHUNK_SECTORS_OFFSET, (int) (layout.chunkBytes() / SECTOR_BYTES));
        into.position(into.position() + LENGTH);
    }

    private static String hex(final int value) {
        return String.format("0x%08x", value);
    }
}
