package io.replicate.core.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.ContentStore;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.Presence;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Stored;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(240)
class ContentCopyTest {

    /** Contents on the heap, by hash. */
    private static class Store implements ContentStore {
        final Map<String, byte[]> contents = new ConcurrentSkipListMap<>();
        final Map<String, AtomicInteger> reads = new ConcurrentHashMap<>();
        boolean sizesKnown = true;

        Digest add(final byte[] bytes) {
            final Digest digest = Digest.of(
                    Digest.Algorithm.MD5,
                    Digest.Algorithm.MD5.newMessageDigest().digest(bytes),
                    sizesKnown ? bytes.length : Unit.UNKNOWN);
            contents.put(digest.hex(), bytes);
            return digest;
        }

        @Override
        public Presence stat(final Digest digest) {
            final byte[] bytes = contents.get(digest.hex());
            return bytes == null ? Presence.ABSENT : new Presence(1, bytes.length);
        }

        @Override
        public Geometry geometry() {
            return new Geometry(Unit.UNKNOWN, 1, 1 << 20, 4 << 20, false, false);
        }

        @Override
        public Plan<Digest> plan(final Selection selection) {
            final Iterator<Map.Entry<String, byte[]>> each = contents.entrySet().iterator();
            return new Plan<>() {
                @Override
                public @Nullable Digest next() {
                    if (!each.hasNext()) {
                        return null;
                    }
                    final Map.Entry<String, byte[]> e = each.next();
                    return Digest.parse(
                            Digest.Algorithm.MD5, e.getKey(), sizesKnown ? e.getValue().length : Unit.UNKNOWN);
                }

                @Override
                public long totalBytes() {
                    return Unit.UNKNOWN;
                }
            };
        }

        @Override
        public int read(final Digest digest, final Block into) throws IOException {
            reads.computeIfAbsent(digest.hex(), k -> new AtomicInteger()).incrementAndGet();
            final byte[] bytes = contents.get(digest.hex());
            if (bytes == null) {
                return -1;
            }
            into.space().put(ByteBuffer.wrap(bytes));
            into.length(bytes.length);
            return bytes.length;
        }

        @Override
        public Session<Digest> begin(final Target target) {
            return new Session<>() {
                @Override
                public boolean resumed() {
                    return false;
                }

                @Override
                public Stored write(final Digest unit, final @Nullable Block from) {
                    final byte[] bytes = new byte[from.length()];
                    from.bytes().get(bytes);
                    contents.put(unit.hex(), bytes);
                    written(from);
                    return Stored.ONCE;
                }

                @Override
                public void flush() {}

                @Override
                public Committed commit(final Revision revision) {
                    return Committed.IN_PLACE;
                }

                @Override
                public void close() {}
            };
        }

        /** Hears of each block when it has been written. */
        void written(final Block from) {}

        @Override
        public void close() {}
    }

    private final Store from = new Store();
    private final Store to = new Store();

    private static Result run(final Replication replication) throws IOException {
        try (Job job = replication.start()) {
            return job.await();
        }
    }

    @Test
    void everyContentIsReadOnceAndCopied() throws IOException {
        for (int i = 0; i < 200; i++) {
            from.add(ReplicationTest.random(i * 700, i));
        }
        from.add(ReplicationTest.random(4 << 20, 999));

        final Result result = run(Replication.from(from).to(to));

        assertThat(to.contents.keySet()).isEqualTo(from.contents.keySet());
        assertThat(to.contents).allSatisfy((hex, bytes) -> assertThat(bytes).isEqualTo(from.contents.get(hex)));
        assertThat(from.reads.values()).allSatisfy(n -> assertThat(n).hasValue(1));
        assertThat(result.units()).isEqualTo(201);
        assertThat(result.digest()).isNull();
    }

    @Test
    void contentsThatAreThereAreNotRead() throws IOException {
        final byte[] shared = ReplicationTest.random(5000, 1);
        from.add(shared);
        to.add(shared);
        final byte[] fresh = ReplicationTest.random(6000, 2);
        from.add(fresh);

        final Result result = run(Replication.from(from).to(to));

        assertThat(from.reads).hasSize(1);
        assertThat(result.resumedBytes()).isEqualTo(5000);
        assertThat(result.carriedBytes()).isEqualTo(6000);
    }

    @Test
    void contentsOfUnknownSizeFitTheLargeBlocks() throws IOException {
        from.sizesKnown = false;
        from.add(ReplicationTest.random(3 << 20, 1));
        from.add(ReplicationTest.random(10, 2));

        run(Replication.from(from).to(to));

        assertThat(to.contents.keySet()).isEqualTo(from.contents.keySet());
    }

    @Test
    void blocksUnderWayKeepToTheMemoryWhateverTheirSizes() throws IOException {
        final AtomicLong underWay = new AtomicLong();
        final AtomicLong most = new AtomicLong();
        final Store measured = new Store() {
            @Override
            public int read(final Digest digest, final Block into) throws IOException {
                most.accumulateAndGet(underWay.addAndGet(into.capacity()), Math::max);
                return super.read(digest, into);
            }
        };
        final Store counting = new Store() {
            @Override
            void written(final Block from) {
                underWay.addAndGet(-from.capacity());
            }
        };
        for (int i = 0; i < 40; i++) {
            measured.add(ReplicationTest.random(i % 2 == 0 ? 4 << 20 : 1000, i));
        }

        run(Replication.from(measured).to(counting).workers(16).memoryBytes(16 << 20));

        assertThat(most.get()).isBetween(4L << 20, 16L << 20);
        assertThat(counting.contents).hasSize(40);
    }

    @Test
    void aContentThatFailsIsListedAndTheOthersAreCopied() throws IOException {
        final byte[] bad = ReplicationTest.random(100, 1);
        final Store broken = new Store() {
            @Override
            public int read(final Digest digest, final Block into) throws IOException {
                if (contents.get(digest.hex()) == bad) {
                    throw ReplicationException.corrupt("content " + digest.hex() + " is damaged");
                }
                return super.read(digest, into);
            }
        };
        final Digest lost = broken.add(bad);
        for (int i = 0; i < 20; i++) {
            broken.add(ReplicationTest.random(100, 10 + i));
        }

        final Result result = run(Replication.from(broken).to(to).continueOnError(true));

        assertThat(to.contents).hasSize(20);
        assertThat(result.failedCount()).isEqualTo(1);
        assertThat(result.failed()).singleElement().satisfies(f -> {
            assertThat(f.unit()).isEqualTo(lost);
            assertThat(f.category()).isEqualTo(ReplicationException.Category.CORRUPT);
            assertThat(f.reason()).contains("is damaged");
        });
        assertThatThrownBy(() -> run(Replication.from(broken).to(new Store()))).hasMessageContaining("is damaged");
    }

    @Test
    void aStoreAndAVolumeDoNotGoTogether() {
        assertThatThrownBy(() ->
                        run(Replication.from(new MemorySource(new byte[10])).to(to)))
                .hasMessageContaining("name a volume as the target");
    }
}
