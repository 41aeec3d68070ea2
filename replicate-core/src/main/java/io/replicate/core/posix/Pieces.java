package io.replicate.core.posix;

/**
 * Ranges of a file, and where in one buffer the bytes of each lie: what is read, or written, by as few calls as the
 * system allows. To be filled, used and cleared, by one thread.
 */
public final class Pieces {
    private final long[] offsets;
    private final int[] positions;
    private final int[] lengths;
    private int count;
    private long end;

    /** Creates an empty list of at most {@code most} pieces. */
    public Pieces(int most) {
        offsets = new long[most];
        positions = new int[most];
        lengths = new int[most];
    }

    public void clear() {
        count = 0;
        end = 0;
    }

    /**
     * Adds a piece.
     *
     * @param offset   in the file, in bytes
     * @param position in the buffer, counted from its first byte
     * @param length   in bytes, at least 1
     */
    public void add(long offset, int position, int length) {
        offsets[count] = offset;
        positions[count] = position;
        lengths[count] = length;
        count++;
        end = Math.max(end, offset + length);
    }

    /** As {@link #add}; what adjoins the last piece, in the file and in the buffer, becomes a part of it. */
    public void append(long offset, int position, int length) {
        int last = count - 1;
        if (last >= 0 && offsets[last] + lengths[last] == offset && positions[last] + lengths[last] == position) {
            lengths[last] += length;
            end = Math.max(end, offset + length);
        } else {
            add(offset, position, length);
        }
    }

    public int count() {
        return count;
    }

    public boolean isFull() {
        return count == offsets.length;
    }

    public long offset(int piece) {
        return offsets[piece];
    }

    public int position(int piece) {
        return positions[piece];
    }

    public int length(int piece) {
        return lengths[piece];
    }

    /** Returns the bits of all offsets, positions and lengths: whether all are multiples of a power of two. */
    public long bits() {
        long all = 0;
        for (int i = 0; i < count; i++) {
            all |= offsets[i] | positions[i] | lengths[i];
        }
        return all;
    }

    /** Returns where in the file the last of them ends; 0 when there are none. */
    public long end() {
        return end;
    }
}
