package io.replicate.cas.store;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Stored;
import java.io.IOException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A session of a store where each content is durable and visible, whole or not at all, when its write returns; so a flush
 * and a commit have nothing left to do.
 */
public final class StoreSession implements Session<Digest> {
    private final CasStore store;
    private final int copies;

    public StoreSession(final CasStore store, final int copies) {
        this.store = store;
        this.copies = copies;
    }

    @Override
    public boolean resumed() {
        return true;
    }

    @Override
    public Stored write(final Digest unit, final @Nullable Block from) throws IOException {
        if (from == null) {
            throw ReplicationException.misuse("content " + unit + " without bytes");
        }
        return store.store(unit, from, copies, Set.of());
    }

    @Override
    public void flush() {
        // Every write is durable when it returns.
    }

    @Override
    public Committed commit(final Revision revision) {
        return Committed.ATOMIC;
    }

    @Override
    public void close() {
        // Nothing is kept open between writes.
    }
}
