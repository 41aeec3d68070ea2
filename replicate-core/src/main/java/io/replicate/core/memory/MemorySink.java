package io.replicate.core.memory;

import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;

/** Replaces a volume in memory. */
final class MemorySink implements Sink<Extent> {
    private final MemoryStore store;
    private final String name;

    MemorySink(final MemoryStore store, final String name) {
        this.store = store;
        this.name = name;
    }

    @Override
    public Geometry geometry() {
        return Geometry.bytes(Unit.UNKNOWN);
    }

    @Override
    public Session<Extent> begin(final Target target) throws ReplicationException {
        final MemorySession session = new MemorySession(store, name, target);
        if (store.sessions().putIfAbsent(name, session) != null) {
            throw ReplicationException.misuse("mem:" + name + ": is being written; wait until that is over");
        }
        session.open();
        return session;
    }

    @Override
    public void close() {}

    @Override
    public String toString() {
        return "mem:" + name;
    }
}
