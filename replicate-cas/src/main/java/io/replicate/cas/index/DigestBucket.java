package io.replicate.cas.index;

import io.replicate.core.spi.Digest;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The digests of a table that share the first byte, in parallel arrays. Not thread-safe until it is sealed. */
final class DigestBucket {
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
    private static final int SMALL = 12;
    /** What no block can be: larger sizes are damage, whatever else is listed. */
    private static final int LARGEST_BLOCK = 64 << 20;

    private final int hashWords;
    private final int holderWords;
    private long[] hashes = {};
    private int[] sizes = {};
    private int[] holders = {};
    private int count;
    private long bytes;
    private final List<SizeConflict> conflicts = new ArrayList<>();

    DigestBucket(final int hashWords, final int holderWords) {
        this.hashWords = hashWords;
        this.holderWords = holderWords;
    }

    void add(final byte[] hash, final int sizeBytes, final int place) {
        if (count == sizes.length) {
            resize(Math.max(16, count + (count >> 1)));
        }
        for (int w = 0; w < hashWords; w++) {
            hashes[count * hashWords + w] = (long) LONGS.get(hash, w * Long.BYTES);
        }
        sizes[count] = sizeBytes;
        if (holderWords > 0) {
            holders[count * holderWords + (place >> 5)] = 1 << (place & 31);
        }
        count++;
    }

    private void resize(final int capacity) {
        hashes = Arrays.copyOf(hashes, Math.multiplyExact(capacity, hashWords));
        sizes = Arrays.copyOf(sizes, capacity);
        holders = Arrays.copyOf(holders, Math.multiplyExact(capacity, holderWords));
    }

    int count() {
        return count;
    }

    long bytes() {
        return bytes;
    }

    List<SizeConflict> conflicts() {
        return conflicts;
    }

    byte[] hash(final int entry) {
        final byte[] hash = new byte[hashWords * Long.BYTES];
        for (int w = 0; w < hashWords; w++) {
            LONGS.set(hash, w * Long.BYTES, hashes[entry * hashWords + w]);
        }
        return hash;
    }

    int sizeBytes(final int entry) {
        return sizes[entry];
    }

    boolean heldBy(final int entry, final int place) {
        return (holders[entry * holderWords + (place >> 5)] & 1 << (place & 31)) != 0;
    }

    int holders(final int entry) {
        int held = 0;
        for (int w = 0; w < holderWords; w++) {
            held += Integer.bitCount(holders[entry * holderWords + w]);
        }
        return held;
    }

    /** Returns the entry of a hash in a sealed bucket, negative when there is none. */
    int find(final byte[] hash) {
        int low = 0;
        int high = count - 1;
        while (low <= high) {
            final int middle = (low + high) >>> 1;
            final int order = compareTo(hash, middle);
            if (order == 0) {
                return middle;
            }
            if (order < 0) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return -1;
    }

    private int compareTo(final byte[] hash, final int entry) {
        for (int w = 0; w < hashWords; w++) {
            final int order =
                    Long.compareUnsigned(hashes[entry * hashWords + w], (long) LONGS.get(hash, w * Long.BYTES));
            if (order != 0) {
                return order;
            }
        }
        return 0;
    }

    int compare(final int entry, final DigestBucket other, final int otherEntry) {
        for (int w = 0; w < hashWords; w++) {
            final int order =
                    Long.compareUnsigned(hashes[entry * hashWords + w], other.hashes[otherEntry * hashWords + w]);
            if (order != 0) {
                return order;
            }
        }
        return 0;
    }

    void seal() {
        sort(0, count - 1);
        int kept = 0;
        for (int from = 0; from < count; ) {
            int to = from + 1;
            while (to < count && compare(from, this, to) == 0) {
                to++;
            }
            merge(from, to, kept);
            bytes += sizes[kept];
            kept++;
            from = to;
        }
        count = kept;
        resize(count);
    }

    private void merge(final int from, final int to, final int into) {
        int size = sizes[from];
        for (int i = from + 1; i < to; i++) {
            if (sizes[i] != size) {
                size = likeliestSize(from, to);
                break;
            }
        }
        for (int w = 0; w < holderWords; w++) {
            int held = 0;
            for (int i = from; i < to; i++) {
                held |= holders[i * holderWords + w];
            }
            holders[into * holderWords + w] = held;
        }
        System.arraycopy(hashes, from * hashWords, hashes, into * hashWords, hashWords);
        sizes[into] = size;
    }

    /** Returns the size that most copies have, the larger of equals, and notes the conflict. */
    private int likeliestSize(final int from, final int to) {
        final Map<Integer, Integer> copies = new TreeMap<>();
        for (int i = from; i < to; i++) {
            copies.merge(sizes[i], 1, Integer::sum);
        }
        final List<Integer> bySupport = new ArrayList<>(copies.keySet());
        bySupport.sort(Comparator.<Integer>comparingInt(size -> size <= LARGEST_BLOCK ? 0 : 1)
                .thenComparingInt(size -> -copies.getOrDefault(size, 0))
                .thenComparingInt(size -> -size));
        final Digest.Algorithm algorithm = hashWords == 2 ? Digest.Algorithm.MD5 : Digest.Algorithm.SHA_256;
        conflicts.add(new SizeConflict(
                Digest.of(algorithm, hash(from), bySupport.get(0)),
                bySupport.stream().map(Integer::longValue).toList()));
        return bySupport.get(0);
    }

    private void sort(final int first, final int last) {
        int low = first;
        int high = last;
        while (high - low > SMALL) {
            final int split = partition(low, high);
            // The smaller part by recursion: the stack stays logarithmic.
            if (split - low < high - split) {
                sort(low, split);
                low = split + 1;
            } else {
                sort(split + 1, high);
                high = split;
            }
        }
        for (int i = low + 1; i <= high; i++) {
            for (int j = i; j > low && compare(j - 1, this, j) > 0; j--) {
                swap(j - 1, j);
            }
        }
    }

    /** Hoare's partition: on return everything up to the result is at most what follows it. */
    private int partition(final int low, final int high) {
        final int middle = (low + high) >>> 1;
        if (compare(middle, this, low) < 0) {
            swap(middle, low);
        }
        if (compare(high, this, low) < 0) {
            swap(high, low);
        }
        if (compare(middle, this, high) > 0) {
            swap(middle, high);
        }
        final long[] pivot = Arrays.copyOfRange(hashes, middle * hashWords, (middle + 1) * hashWords);
        int i = low - 1;
        int j = high + 1;
        while (true) {
            do {
                i++;
            } while (compareTo(pivot, i) < 0);
            do {
                j--;
            } while (compareTo(pivot, j) > 0);
            if (i >= j) {
                return j;
            }
            swap(i, j);
        }
    }

    private int compareTo(final long[] pivot, final int entry) {
        for (int w = 0; w < hashWords; w++) {
            final int order = Long.compareUnsigned(hashes[entry * hashWords + w], pivot[w]);
            if (order != 0) {
                return order;
            }
        }
        return 0;
    }

    private void swap(final int a, final int b) {
        for (int w = 0; w < hashWords; w++) {
            final long hash = hashes[a * hashWords + w];
            hashes[a * hashWords + w] = hashes[b * hashWords + w];
            hashes[b * hashWords + w] = hash;
        }
        final int size = sizes[a];
        sizes[a] = sizes[b];
        sizes[b] = size;
        for (int w = 0; w < holderWords; w++) {
            final int held = holders[a * holderWords + w];
            holders[a * holderWords + w] = holders[b * holderWords + w];
            holders[b * holderWords + w] = held;
        }
    }
}
