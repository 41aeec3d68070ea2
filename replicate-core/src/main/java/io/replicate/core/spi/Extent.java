package io.replicate.core.spi;

/**
 * A run of bytes in a volume.
 *
 * @param offset of the first byte, at least 0.
 * @param length in bytes, at least 1.
 * @param kind what is there.
 */
public record Extent(long offset, long length, Kind kind) implements Unit {

    /** What the bytes of an extent are. */
    public enum Kind {
        /** Bytes that must be read. */
        DATA,
        /** Bytes that read as zero and are allocated: a copy writes no data, but may keep the space. */
        ZERO,
        /** Bytes that read as zero and are not allocated: a copy deallocates them. */
        HOLE
    }

    public Extent {
        if (offset < 0 || length < 1 || offset > Long.MAX_VALUE - length) {
            throw new IllegalArgumentException("extent offset=" + offset + " length=" + length);
        }
    }

    /** Returns a DATA extent. */
    public static Extent data(final long offset, final long length) {
        return new Extent(offset, length, Kind.DATA);
    }

    /** Returns a ZERO extent. */
    public static Extent zero(final long offset, final long length) {
        return new Extent(offset, length, Kind.ZERO);
    }

    /** Returns a HOLE extent. */
    public static Extent hole(final long offset, final long length) {
        return new Extent(offset, length, Kind.HOLE);
    }

    /** Returns the offset behind the last byte. */
    public long end() {
        return offset + length;
    }

    /** Returns whether bytes must be read and carried. */
    public boolean hasData() {
        return kind == Kind.DATA;
    }

    @Override
    public long lengthBytes() {
        return length;
    }

    /** Returns the part of this extent that begins {@code skip} bytes in and is {@code partLength} bytes long. */
    public Extent part(final long skip, final long partLength) {
        if (skip < 0 || skip > length - partLength) {
            throw new IllegalArgumentException("part skip=" + skip + " length=" + partLength + " of " + this);
        }
        return new Extent(offset + skip, partLength, kind);
    }
}
