package io.replicate.cas.store;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.Presence;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Stored;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.util.List;
import java.util.Set;

/** A store that is one place, where each content is kept once: a directory or a bucket. */
public abstract class OnePlaceStore implements CasStore {
    private static final int MAX_BYTES = 64 << 20;
    private static final int PREFERRED_BYTES = 1 << 20;

    private final String name;
    private final Digest.Algorithm algorithm;

    /**
     * Creates a store.
     *
     * @param name in messages, and of its one place.
     * @param algorithm that names the contents; MD5 for Keep.
     */
    protected OnePlaceStore(final String name, final Digest.Algorithm algorithm) {
        this.name = name;
        this.algorithm = algorithm;
    }

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final Digest.Algorithm algorithm() {
        return algorithm;
    }

    @Override
    public final int maxBlockBytes() {
        return MAX_BYTES;
    }

    @Override
    public final Geometry geometry() {
        return new Geometry(Unit.UNKNOWN, 1, PREFERRED_BYTES, MAX_BYTES, false, false);
    }

    @Override
    public final List<String> places() {
        return List.of(name);
    }

    @Override
    public final int defaultCopies() {
        return 1;
    }

    @Override
    public final List<Integer> placement(final Digest digest) {
        return List.of(0);
    }

    @Override
    public final Plan<Digest> plan(final Selection selection) throws IOException {
        return Contents.plan(this, selection);
    }

    @Override
    public final Session<Digest> begin(final Target target) {
        return new StoreSession(this, 1);
    }

    @Override
    public final Stored store(final Digest digest, final Block from, final int copies, final Set<Integer> held)
            throws IOException {
        storeAt(0, digest, from);
        return new Stored(1, List.of(name));
    }

    @Override
    public final Finding ask(final int place, final Digest digest) throws IOException {
        final Presence presence = stat(digest);
        if (presence.copies() == 0) {
            return Finding.MISSING;
        }
        return digest.lengthBytes() == Unit.UNKNOWN || presence.sizeBytes() == digest.lengthBytes()
                ? Finding.GOOD
                : Finding.DAMAGED;
    }

    @Override
    public final Finding prove(final int place, final Digest digest, final Block into) throws IOException {
        try {
            return read(digest, into) < 0 ? Finding.MISSING : Finding.GOOD;
        } catch (final ReplicationException e) {
            return e.category() == ReplicationException.Category.CORRUPT ? Finding.DAMAGED : Finding.UNREADABLE;
        }
    }
}
