package io.replicate.core.job;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Stored;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * A target on the heap that tells what is written from what is durable: {@link #loseWhatIsNotDurable()} is a crash of
 * the machine. Half-made targets live by resume key.
 */
class MemorySink implements Sink<Extent> {
    final Map<String, byte[]> durable = new HashMap<>();
    final Map<String, byte[]> written = new HashMap<>();
    final List<Extent> writes = new CopyOnWriteArrayList<>();
    final Geometry geometry;
    byte @Nullable [] committed;

    MemorySink() {
        this(Geometry.bytes(Unit.UNKNOWN));
    }

    MemorySink(final Geometry geometry) {
        this.geometry = geometry;
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    synchronized void loseWhatIsNotDurable() {
        written.clear();
        durable.forEach((key, bytes) -> written.put(key, bytes.clone()));
    }

    @Override
    public Session<Extent> begin(final Target target) throws IOException {
        final String key = target.resumeKey() == null ? "none" : target.resumeKey();
        final boolean resumed = target.resumeKey() != null && durable.containsKey(key);
        if (!resumed) {
            // Whatever was not written must show.
            final byte[] fresh = new byte[(int) Math.max(0, target.sizeBytes())];
            Arrays.fill(fresh, (byte) 0xEE);
            written.put(key, fresh);
        }
        return new MemorySession(key, resumed);
    }

    @Override
    public void close() {}

    /** What happens at a write, a flush or a commit, for tests that break them. */
    void onWrite(final Extent unit) throws IOException {}

    void onFlush() throws IOException {}

    void afterFlush() throws IOException {}

    private byte[] content(final String key) {
        return java.util.Objects.requireNonNull(written.get(key), "the session was lost");
    }

    private final class MemorySession implements Session<Extent> {
        private final String key;
        private final boolean resumed;

        MemorySession(final String key, final boolean resumed) {
            this.key = key;
            this.resumed = resumed;
        }

        @Override
        public boolean resumed() {
            return resumed;
        }

        @Override
        public Stored write(final Extent unit, final @Nullable Block from) throws IOException {
            onWrite(unit);
            synchronized (MemorySink.this) {
                if (content(key).length < unit.end()) {
                    written.put(key, Arrays.copyOf(content(key), (int) unit.end()));
                }
                final byte[] content = content(key);
                if (from == null) {
                    Arrays.fill(content, (int) unit.offset(), (int) unit.end(), (byte) 0);
                } else {
                    from.bytes().get(content, (int) unit.offset(), (int) unit.length());
                }
            }
            writes.add(unit);
            return Stored.ONCE;
        }

        @Override
        public void flush() throws IOException {
            onFlush();
            synchronized (MemorySink.this) {
                durable.put(key, content(key).clone());
            }
            afterFlush();
        }

        @Override
        public Committed commit(final Revision revision) throws IOException {
            flush();
            synchronized (MemorySink.this) {
                committed = durable.remove(key);
                written.remove(key);
            }
            return Committed.ATOMIC;
        }

        @Override
        public void close() {}
    }
}
