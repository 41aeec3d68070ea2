package io.replicate.cas.index;

import io.replicate.core.spi.Digest;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The digests of one side of a copy, 20 bytes each for MD5: hash and size, and 4 bytes more per 32 places where it is
 * noted who holds what. Filled by any threads, then sealed: sorted, each hash once. A sealed table is read by any threads.
 *
 * <p>Sizes are those that an index lists. A damaged copy is listed with another size, so digests are compared by hash, and
 * hashes that were listed with several sizes are kept for the report.
 */
public final class DigestTable {
    private static final int BUCKETS = 256;

    private final Digest.Algorithm algorithm;
    private final int places;
    private final DigestBucket[] buckets = new DigestBucket[BUCKETS];
    private boolean sealed;
    private long distinct;
    private long bytes;

    /**
     * Creates an empty table.
     *
     * @param places how many places may hold a digest; 0 when it does not matter where it is.
     */
    public DigestTable(final Digest.Algorithm algorithm, final int places) {
        this.algorithm = algorithm;
        this.places = places;
        for (int i = 0; i < BUCKETS; i++) {
            buckets[i] =
                    new DigestBucket(algorithm.hashBytes() / Long.BYTES, (places + Integer.SIZE - 1) / Integer.SIZE);
        }
    }

    /** Returns the hash function of the digests. */
    public Digest.Algorithm algorithm() {
        return algorithm;
    }

    /** Returns how many places the table tells apart. */
    public int places() {
        return places;
    }

    /**
     * Adds a copy. Thread-safe.
     *
     * @param hash of the content, copied.
     * @param sizeBytes as listed; sizes of 2 GiB and more are kept as the largest int.
     * @param place that holds it, ignored by a table without places.
     */
    public void add(final byte[] hash, final long sizeBytes, final int place) {
        final DigestBucket bucket = buckets[hash[0] & 0xff];
        synchronized (bucket) {
            bucket.add(hash, (int) Math.min(sizeBytes, Integer.MAX_VALUE), place);
        }
    }

    /** Sorts the table and merges the copies of each hash. Nothing can be added afterwards. */
    public void seal() {
        if (sealed) {
            return;
        }
        sealed = true;
        for (final DigestBucket bucket : buckets) {
            synchronized (bucket) {
                bucket.seal();
                distinct += bucket.count();
                bytes += bucket.bytes();
            }
        }
    }

    /** Returns how many different digests there are; only after {@link #seal()}. */
    public long size() {
        checkSealed();
        return distinct;
    }

    /** Returns the sum of the sizes of the different digests in bytes; only after {@link #seal()}. */
    public long totalBytes() {
        checkSealed();
        return bytes;
    }

    /** Returns the hashes that were listed with several sizes, in hash order; only after {@link #seal()}. */
    public List<SizeConflict> conflicts() {
        checkSealed();
        final List<SizeConflict> all = new ArrayList<>();
        for (final DigestBucket bucket : buckets) {
            all.addAll(bucket.conflicts());
        }
        return all;
    }

    /** Returns the digest with the given number in hash order, counted from 0; only after {@link #seal()}. */
    public Digest at(final long number) {
        checkSealed();
        long left = number;
        for (final DigestBucket bucket : buckets) {
            if (left < bucket.count()) {
                final int entry = (int) left;
                return Digest.of(algorithm, bucket.hash(entry), bucket.sizeBytes(entry));
            }
            left -= bucket.count();
        }
        throw new IndexOutOfBoundsException("digest " + number + " of " + distinct);
    }

    /** Returns whether the hash is in the table; only after {@link #seal()}. */
    public boolean contains(final byte[] hash) {
        return find(hash) != null;
    }

    /** Returns the digest with this hash, which has the listed size, or null; only after {@link #seal()}. */
    public @Nullable Digest get(final byte[] hash) {
        checkSealed();
        final DigestBucket bucket = buckets[hash[0] & 0xff];
        final int entry = bucket.find(hash);
        return entry < 0 ? null : Digest.of(algorithm, bucket.hash(entry), bucket.sizeBytes(entry));
    }

    /** Returns the places that hold a hash, or null when it is not in the table; only after {@link #seal()}. */
    public @Nullable List<Integer> find(final byte[] hash) {
        checkSealed();
        final DigestBucket bucket = buckets[hash[0] & 0xff];
        final int entry = bucket.find(hash);
        return entry < 0 ? null : placesOf(bucket, entry);
    }

    private List<Integer> placesOf(final DigestBucket bucket, final int entry) {
        final List<Integer> held = new ArrayList<>();
        for (int place = 0; place < places; place++) {
            if (bucket.heldBy(entry, place)) {
                held.add(place);
            }
        }
        return held;
    }

    /** Returns a cursor before the first digest in hash order; only after {@link #seal()}. */
    public Cursor cursor() {
        checkSealed();
        return new Cursor();
    }

    private void checkSealed() {
        if (!sealed) {
            throw new IllegalStateException("the table is not sealed");
        }
    }

    /** Walks a sealed table in hash order. Used by one thread. */
    public final class Cursor {
        private int bucket;
        private int entry = -1;

        private Cursor() {}

        /** Moves to the next digest; returns false behind the last. */
        public boolean next() {
            entry++;
            while (bucket < BUCKETS && entry >= buckets[bucket].count()) {
                bucket++;
                entry = 0;
            }
            return bucket < BUCKETS;
        }

        /** Returns the digest. */
        public Digest digest() {
            return Digest.of(algorithm, buckets[bucket].hash(entry), sizeBytes());
        }

        /** Returns the size in bytes. */
        public long sizeBytes() {
            return buckets[bucket].sizeBytes(entry);
        }

        /** Returns whether the place holds the digest. */
        public boolean heldBy(final int place) {
            return buckets[bucket].heldBy(entry, place);
        }

        /** Returns how many places hold the digest. */
        public int holders() {
            return buckets[bucket].holders(entry);
        }

        /** Returns the places that hold the digest. */
        public List<Integer> places() {
            return placesOf(buckets[bucket], entry);
        }

        int compareTo(final Cursor other) {
            return bucket != other.bucket
                    ? Integer.compare(bucket, other.bucket)
                    : buckets[bucket].compare(entry, other.bucketOf(), other.entry);
        }

        private DigestBucket bucketOf() {
            return buckets[bucket];
        }
    }
}
