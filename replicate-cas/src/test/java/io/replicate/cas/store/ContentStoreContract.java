package io.replicate.cas.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.cas.store.CasStore.Finding;
import io.replicate.core.block.Block;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.Presence;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every store of contents does. A new store costs the abstract methods. */
public abstract class ContentStoreContract {
    private CasStore store;

    /** Returns an empty store. */
    protected abstract CasStore newStore() throws IOException;

    /** Changes one byte of the content, behind the store's back. */
    protected abstract void corrupt(Digest digest) throws IOException;

    @BeforeEach
    void open() throws IOException {
        store = newStore();
    }

    @AfterEach
    void close() throws IOException {
        store.close();
    }

    private Digest put(final byte[] data) throws IOException {
        final Digest digest = Digest.of(
                store.algorithm(), store.algorithm().newMessageDigest().digest(data), data.length);
        final Block block = Block.unpooled(Math.max(1, data.length));
        try {
            block.space().put(data);
            block.length(data.length);
            store.store(digest, block, 1, Set.of());
        } finally {
            block.release();
        }
        return digest;
    }

    private byte[] read(final Digest digest, final int capacity) throws IOException {
        final Block block = Block.unpooled(capacity);
        try {
            assertThat(store.read(digest, block)).isEqualTo(block.length());
            final byte[] data = new byte[block.length()];
            block.bytes().get(data);
            return data;
        } finally {
            block.release();
        }
    }

    private static byte[] random(final long seed, final int length) {
        final byte[] data = new byte[length];
        new Random(seed).nextBytes(data);
        return data;
    }

    private List<String> planned(final Selection selection) throws IOException {
        final List<String> planned = new ArrayList<>();
        try (Plan<Digest> plan = store.plan(selection)) {
            for (Digest digest = plan.next(); digest != null; digest = plan.next()) {
                planned.add(digest.hex() + "+" + digest.lengthBytes());
            }
        }
        return planned;
    }

    @Test
    void givesBackWhatItWasGiven() throws IOException {
        for (final int length : new int[] {0, 1, 4095, 4096, 65_537, 3 << 20}) {
            final byte[] data = random(length, length);
            assertThat(read(put(data), length + 1)).as("length %s", length).isEqualTo(data);
        }
    }

    @Test
    void plansEverythingOnceInHashOrder() throws IOException {
        final Set<String> expected = new TreeSet<>();
        for (int i = 0; i < 40; i++) {
            final Digest digest = put(random(i, 10 + i));
            expected.add(digest.hex() + "+" + digest.lengthBytes());
        }

        assertThat(planned(Selection.ALL)).containsExactlyElementsOf(expected);
    }

    @Test
    void aPrefixSelectsAtAnyLength() throws IOException {
        final List<Digest> digests = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            digests.add(put(random(i, 10 + i)));
        }
        final String hex = digests.get(0).hex();
        for (final int length : new int[] {1, 3, 4, hex.length()}) {
            final String prefix = hex.substring(0, length);
            assertThat(planned(new Selection.Prefix(prefix)))
                    .containsExactlyElementsOf(digests.stream()
                            .filter(digest -> digest.hex().startsWith(prefix))
                            .map(digest -> digest.hex() + "+" + digest.lengthBytes())
                            .sorted()
                            .toList());
        }
    }

    @Test
    void refusesSelectionsItDoesNotKnow() {
        assertThatThrownBy(() -> store.plan(new Selection.Bitmap("dirty")))
                .satisfies(e ->
                        assertThat(ReplicationException.categoryOf(e)).isEqualTo(ReplicationException.Category.MISUSE));
        assertThatThrownBy(() -> store.plan(new Selection.Prefix("XYZ")))
                .satisfies(e ->
                        assertThat(ReplicationException.categoryOf(e)).isEqualTo(ReplicationException.Category.MISUSE));
    }

    @Test
    void aContentThatIsWrittenTwiceIsThereOnce() throws IOException {
        put(random(1, 100));
        put(random(1, 100));

        assertThat(planned(Selection.ALL)).hasSize(1);
    }

    @Test
    void saysWhatIsThere() throws IOException {
        final Digest there = put(random(2, 200));
        final Digest absent =
                Digest.of(store.algorithm(), new byte[store.algorithm().hashBytes()], 5);

        assertThat(store.stat(there).copies()).isEqualTo(1);
        assertThat(store.stat(absent)).isEqualTo(Presence.ABSENT);
        assertThat(store.ask(0, there)).isEqualTo(Finding.GOOD);
        assertThat(store.ask(0, absent)).isEqualTo(Finding.MISSING);
    }

    @Test
    void neverGivesOutDamagedBytesAndHealsByAWrite() throws IOException {
        final byte[] data = random(3, 5000);
        final Digest digest = put(data);
        corrupt(digest);

        final Block block = Block.unpooled(8192);
        try {
            assertThatThrownBy(() -> store.read(digest, block)).isInstanceOf(ReplicationException.class);
            assertThat(store.prove(0, digest, block)).isEqualTo(Finding.DAMAGED);
            put(data);
            assertThat(store.prove(0, digest, block)).isEqualTo(Finding.GOOD);
        } finally {
            block.release();
        }
    }

    @Test
    void refusesAContentLargerThanTheBlock() throws IOException {
        final Digest digest = put(random(4, 5000));

        assertThatThrownBy(() -> read(digest, 4999)).isInstanceOf(ReplicationException.class);
    }

    @Test
    void aSessionWritesAndCommits() throws IOException {
        final byte[] data = random(5, 77);
        final Digest digest = Digest.of(
                store.algorithm(), store.algorithm().newMessageDigest().digest(data), data.length);
        final Block block = Block.unpooled(100);
        try (Session<Digest> session = store.begin(Target.ofSize(Unit.UNKNOWN))) {
            block.space().put(data);
            block.length(data.length);
            assertThat(session.write(digest, block).copies()).isEqualTo(1);
            session.flush();
            assertThat(session.commit(Revision.NONE)).isEqualTo(Committed.ATOMIC);
        } finally {
            block.release();
        }

        assertThat(read(digest, 100)).isEqualTo(data);
    }

    @Test
    void manyMayWriteAndReadAtOnce() throws Exception {
        final AtomicReference<Throwable> failure = new AtomicReference<>();
        final List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 8; t++) {
            final int number = t;
            threads.add(new Thread(() -> {
                try {
                    for (int i = 0; i < 10; i++) {
                        final byte[] data = random(number * 5L + i, 3000);
                        assertThat(read(put(data), 3000)).isEqualTo(data);
                    }
                } catch (final Throwable e) {
                    failure.compareAndSet(null, e);
                }
            }));
        }
        threads.forEach(Thread::start);
        for (final Thread thread : threads) {
            thread.join();
        }

        assertThat(failure.get()).isNull();
    }
}
