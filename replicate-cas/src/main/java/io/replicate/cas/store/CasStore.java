package io.replicate.cas.store;

import io.replicate.core.block.Block;
import io.replicate.core.spi.ContentStore;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Stored;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A store that can list what it has, and tells its places (servers, a directory, a bucket) apart. Places are numbered from
 * 0, in the order of {@link #places()}, which does not change while the store is open. Safe for concurrent use.
 */
public interface CasStore extends ContentStore {

    /** Returns the name of the store in messages. */
    String name();

    /** Returns the hash function that names its contents. */
    Digest.Algorithm algorithm();

    /** Returns the largest content that it takes, in bytes. */
    int maxBlockBytes();

    /** Returns the places that hold contents; at least one. */
    List<String> places();

    /**
     * Returns the place that stands for the place in counts of copies: two servers of one device hold one copy between
     * them.
     */
    default int deviceOf(final int place) {
        return place;
    }

    /** Returns whether each place lists what itself holds; a proxy lists what is behind it. */
    default boolean tellsPlacesApart() {
        return true;
    }

    /** Returns how many copies of a content there are to be unless somebody says otherwise. */
    int defaultCopies() throws IOException;

    /** Takes the lines of an index; called by several threads at once when several places are read at once. */
    @FunctionalInterface
    interface Entries {
        /**
         * Takes one copy.
         *
         * @param hash of the content; the array is used again.
         * @param sizeBytes as stored.
         * @param mtimeNs when it was last written or touched, in nanoseconds since 1970.
         */
        void entry(byte[] hash, long sizeBytes, long mtimeNs) throws IOException;
    }

    /**
     * Lists what a place has.
     *
     * @param prefix that the hexadecimal hashes begin with; empty for all.
     * @throws io.replicate.core.spi.ReplicationException when the list is not complete, whatever was handed out by then.
     */
    void index(int place, String prefix, Entries entries) throws IOException;

    /**
     * Returns the places where copies of the content belong, best first. The first {@code copies} of them should have it.
     */
    List<Integer> placement(Digest digest);

    /**
     * Stores copies of a content.
     *
     * @param from its bytes, borrowed, proven by the caller.
     * @param copies how many to add, at least 1.
     * @param held places that have it already and are left alone.
     * @return where it is now, besides those.
     * @throws io.replicate.core.spi.ReplicationException when fewer copies could be stored.
     */
    Stored store(Digest digest, Block from, int copies, Set<Integer> held) throws IOException;

    /**
     * Stores a content by a shorter way than through its bytes, if there is one between the two stores.
     *
     * @param proven how many bytes of it the caller has just read from the other store and proven.
     * @return whether it was stored; false when there is no shorter way.
     */
    default boolean storeFrom(final CasStore other, final Digest digest, final int proven) throws IOException {
        return false;
    }

    /** Stores the content in one place, over whatever is there under its name. */
    void storeAt(int place, Digest digest, Block from) throws IOException;

    /** What a look at one copy found. */
    enum Finding {
        GOOD,
        MISSING,
        /** Its bytes are not what its name says. */
        DAMAGED,
        /** Nobody could tell. */
        UNREADABLE
    }

    /** Asks the place about its copy without moving the data here: what the place itself finds. */
    Finding ask(int place, Digest digest) throws IOException;

    /** Reads the copy of one place and proves it; the block's length is set when it is good. */
    Finding prove(int place, Digest digest, Block into) throws IOException;

    /**
     * Renews the time of the copy in a place, so that a garbage collection takes it for new.
     *
     * @param from the bytes, for places that can only renew by a write.
     * @return false when the place cannot do it without the bytes, and {@code from} is null.
     */
    boolean touch(int place, Digest digest, @Nullable Block from) throws IOException;
}
