package io.replicate.core.memory;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Stored;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** The writing of a volume in memory. "Durable" here is what outlives the session, within the process. */
final class MemorySession implements Session<Extent> {
    private final MemoryStore store;
    private final String name;
    private final Target target;
    private final AtomicLong end = new AtomicLong();
    private Pages pages = new Pages();
    private boolean resumed;
    private boolean over;

    MemorySession(final MemoryStore store, final String name, final Target target) {
        this.store = store;
        this.name = name;
        this.target = target;
    }

    /** Goes on with what the resume key names; called when the session has the name to itself. */
    void open() {
        if (target.resumeKey() == null) {
            return;
        }
        final MemoryVolume left = store.halfMade().get(key());
        if (left != null
                && target.sizeBytes() != Unit.UNKNOWN
                && left.geometry().sizeBytes() == target.sizeBytes()) {
            pages = left.pages();
            resumed = true;
        } else {
            store.halfMade().put(key(), new MemoryVolume(name, target.sizeBytes(), pages));
        }
    }

    private String key() {
        return name + "\0" + target.resumeKey();
    }

    @Override
    public boolean resumed() {
        return resumed;
    }

    @Override
    public Stored write(final Extent unit, final @Nullable Block from) throws ReplicationException {
        requireOpen();
        if (target.sizeBytes() != Unit.UNKNOWN && unit.end() > target.sizeBytes()) {
            throw ReplicationException.misuse("write mem:" + name + " offset=" + unit.offset() + " length="
                    + unit.length() + ": beyond the end at " + target.sizeBytes());
        }
        if (!unit.hasData()) {
            pages.zero(unit.offset(), unit.length(), false);
        } else if (from == null || from.length() != unit.length()) {
            throw new IllegalArgumentException(unit + " without its bytes");
        } else {
            pages.write(unit.offset(), from.bytes());
        }
        end.accumulateAndGet(unit.end(), Math::max);
        return Stored.ONCE;
    }

    private void requireOpen() {
        if (over) {
            throw new IllegalStateException("mem:" + name + ": the session is over");
        }
    }

    private long sizeBytes() {
        return target.sizeBytes() == Unit.UNKNOWN ? end.get() : target.sizeBytes();
    }

    @Override
    public void flush() {
        requireOpen();
    }

    @Override
    public Committed commit(final Revision revision) {
        requireOpen();
        over = true;
        store.volumes().put(name, new MemoryVolume(name, sizeBytes(), pages));
        if (target.resumeKey() != null) {
            store.halfMade().remove(key());
        }
        return Committed.ATOMIC;
    }

    @Override
    public Optional<Source<Extent>> readBack() {
        return Optional.of(new MemoryVolume(name, sizeBytes(), pages));
    }

    @Override
    public void discard() {
        if (!over && target.resumeKey() != null) {
            store.halfMade().remove(key());
        }
        close();
    }

    @Override
    public void close() {
        over = true;
        store.sessions().remove(name, this);
    }
}
