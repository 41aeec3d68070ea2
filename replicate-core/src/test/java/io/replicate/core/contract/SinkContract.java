package io.replicate.core.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Extent.Kind;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The behaviour of every {@link Sink} of extents. Extend it, say how yours is made, what it promises and how to look at
 * what it has stored, and run it with JUnit. Sinks whose geometry is sequential are excused from random access.
 */
@Timeout(240)
public abstract class SinkContract {
    private static final int SIZE_BYTES = 2 << 20;
    private static final int BLOCK_BYTES = 256 << 10;
    private static final String KEY = "contract1";

    private final BlockPool pool = new BlockPool(BLOCK_BYTES, 4);
    private final List<AutoCloseable> opened = new ArrayList<>();
    private Random random = new Random(0);
    private byte[] image = {};

    /** Opens the sink under test. All sinks of one test write the same target. Closed behind the test. */
    protected abstract Sink<Extent> newSink() throws Exception;

    /** Returns what the target holds under its final name, or empty when there is none. */
    protected abstract Optional<byte[]> stored() throws Exception;

    /** Returns the promise that a commit keeps. */
    protected abstract Committed promise();

    /** Returns whether a resume key is honoured. */
    protected abstract boolean resumes();

    /** Returns whether the sink takes a target whose size is only known at the end, and of any size. */
    protected boolean takesAnySize() {
        return true;
    }

    /** Returns the target of a copy of {@code sizeBytes}; override where, for example, force is needed. */
    protected Target target(final long sizeBytes) {
        return Target.ofSize(sizeBytes);
    }

    /** Returns the size in bytes of the image that is written; override where only some sizes are possible. */
    protected int imageBytes() {
        return SIZE_BYTES + 777;
    }

    @BeforeEach
    final void makeImage() {
        random = Seeds.random(getClass().getSimpleName());
        image = Images.sparse(imageBytes(), random);
    }

    @AfterEach
    final void closeSinksAndCountBlocks() throws Exception {
        for (int i = opened.size() - 1; i >= 0; i--) {
            opened.get(i).close();
        }
        assertThat(pool.lent()).as("blocks that did not come back").isZero();
        pool.close();
    }

    private Sink<Extent> sink() throws Exception {
        final Sink<Extent> sink = newSink();
        opened.add(sink);
        return sink;
    }

    private Session<Extent> begin(final Target target) throws Exception {
        final Session<Extent> session = sink().begin(target);
        opened.add(session);
        return session;
    }

    private void needsRandomAccess() throws Exception {
        assumeFalse(sink().geometry().sequential(), "does not apply: sequential sink");
    }

    private void needsAtomicity() {
        assumeTrue(promise() == Committed.ATOMIC, "does not apply: changes its target in place");
    }

    private void needsResumption() {
        assumeTrue(resumes(), "does not apply: does not resume");
    }

    private void write(final Session<Extent> session, final List<Extent> extents) throws IOException {
        for (final Extent extent : extents) {
            Images.write(session, pool, image, extent);
        }
    }

    private void copy(final byte[] content) throws Exception {
        image = content;
        try (Session<Extent> session = sink().begin(target(content.length))) {
            write(session, Images.extents(content, Kind.HOLE));
            session.commit(Revision.NONE);
        }
    }

    /** Returns the first bytes of what is stored: a device may be larger than what was written to it. */
    private byte[] storedImage(final int length) throws Exception {
        final byte[] all = stored().orElseThrow(() -> new AssertionError("nothing is stored"));
        return takesAnySize() ? all : Arrays.copyOf(all, length);
    }

    @Test
    final void whatIsWrittenInAnyOrderIsStored() throws Exception {
        needsRandomAccess();
        final List<Extent> extents = Images.extents(image, Kind.HOLE);
        Collections.shuffle(extents, random);

        final Session<Extent> session = begin(target(image.length));
        assertThat(session.resumed()).isFalse();
        write(session, extents);
        assertThat(session.commit(Revision.NONE)).isEqualTo(promise());
        session.close();

        assertThat(storedImage(image.length)).isEqualTo(image);
    }

    @Test
    final void whatIsWrittenInOrderIsStored() throws Exception {
        final Session<Extent> session = begin(target(image.length));
        write(session, Images.extents(image, Kind.ZERO));
        session.flush();
        session.commit(Revision.NONE);
        session.close();

        assertThat(storedImage(image.length)).isEqualTo(image);
    }

    @Test
    final void extentsOfAnyLengthAndAlignmentAreStored() throws Exception {
        final List<Extent> extents = new ArrayList<>();
        for (int at = 0; at < image.length; ) {
            final int length = Math.min(1 + random.nextInt(50_000), image.length - at);
            extents.add(new Extent(at, length, Images.isZero(image, at, length) ? Kind.HOLE : Kind.DATA));
            at += length;
        }

        final Session<Extent> session = begin(target(image.length));
        write(session, extents);
        session.commit(Revision.NONE);
        session.close();

        assertThat(storedImage(image.length)).isEqualTo(image);
    }

    @Test
    final void differentUnitsAreWrittenAtTheSameTime() throws Exception {
        needsRandomAccess();
        final Session<Extent> session = begin(target(image.length));
        final List<Extent> extents = new ArrayList<>();
        for (int at = 0; at < image.length; ) {
            // lengths that leave neighbours in one page and in one sector
            final int length = Math.min(3000 + random.nextInt(3000), image.length - at);
            extents.add(Extent.data(at, length));
            at += length;
        }
        final ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            final List<Future<?>> writers = new ArrayList<>();
            for (int writer = 0; writer < 4; writer++) {
                final int first = writer;
                writers.add(threads.submit(() -> {
                    for (int i = first; i < extents.size(); i += 4) {
                        Images.write(session, pool, image, extents.get(i));
                    }
                    return null;
                }));
            }
            for (final Future<?> writer : writers) {
                writer.get(60, TimeUnit.SECONDS);
            }
        } finally {
            threads.shutdownNow();
        }
        session.commit(Revision.NONE);
        session.close();

        assertThat(storedImage(image.length)).isEqualTo(image);
    }

    @Test
    final void theBlockIsOnlyBorrowed() throws Exception {
        final Session<Extent> session = begin(target(image.length));
        final Extent first = Extent.data(0, 4096);
        final Block block = Images.block(pool, image, first);

        session.write(first, block);

        assertThat(block.refCnt()).isEqualTo(1);
        block.release();
    }

    @Test
    final void aHoleOrZerosOverDataReadAsZeros() throws Exception {
        needsRandomAccess();
        Arrays.fill(image, (byte) 7);
        final Session<Extent> session = begin(target(image.length));
        final List<Extent> all = Images.extents(image, Kind.HOLE);
        write(session, all);

        session.write(Extent.hole(0, 100_000), null);
        session.write(Extent.zero(300_001, 200_000), null);
        session.write(Extent.hole(image.length - 5000, 5000), null);
        session.commit(Revision.NONE);
        session.close();

        Arrays.fill(image, 0, 100_000, (byte) 0);
        Arrays.fill(image, 300_001, 500_001, (byte) 0);
        Arrays.fill(image, image.length - 5000, image.length, (byte) 0);
        assertThat(storedImage(image.length)).isEqualTo(image);
    }

    @Test
    final void dataOverAHoleReadsAsData() throws Exception {
        needsRandomAccess();
        final Session<Extent> session = begin(target(image.length));
        session.write(Extent.hole(0, image.length), null);
        write(session, Images.extents(image, Kind.ZERO));
        session.commit(Revision.NONE);
        session.close();

        assertThat(storedImage(image.length)).isEqualTo(image);
    }

    @Test
    final void aSmallerImageReplacesALargerOne() throws Exception {
        needsRandomAccess();
        copy(Images.sparse(image.length, random));
        final int length = image.length / 2 / 4096 * 4096;

        copy(Images.sparse(length, random));

        assertThat(storedImage(length)).isEqualTo(image);
        if (takesAnySize()) {
            assertThat(stored().orElseThrow()).hasSize(length);
        }
    }

    @Test
    final void nothingShowsBeforeTheCommit() throws Exception {
        needsAtomicity();
        final Session<Extent> session = begin(target(image.length));
        write(session, Images.extents(image, Kind.HOLE));
        session.flush();

        assertThat(stored()).isEmpty();
    }

    @Test
    final void closeWithoutCommitLeavesTheFormerContent() throws Exception {
        needsAtomicity();
        copy(Images.sparse(image.length, random));
        final byte[] former = image;
        image = Images.sparse(imageBytes(), random);

        final Session<Extent> session = begin(target(image.length));
        write(session, Images.extents(image, Kind.HOLE));
        session.flush();
        session.close();
        session.close();

        assertThat(stored()).hasValueSatisfying(bytes -> assertThat(bytes).isEqualTo(former));
    }

    @Test
    final void writingBeyondTheEndIsRefused() throws Exception {
        needsRandomAccess();
        assumeTrue(promise() == Committed.ATOMIC || !takesAnySize(), "does not apply: keeps nothing");
        final Session<Extent> session = begin(target(image.length));

        assertThatThrownBy(() -> session.write(Extent.hole(image.length, 1), null))
                .isInstanceOf(ReplicationException.class);
    }

    @Test
    final void dataWithoutItsBytesIsTheCallersMistake() throws Exception {
        final Session<Extent> session = begin(target(image.length));

        assertThatThrownBy(() -> session.write(Extent.data(0, 512), null)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    final void anUnknownSizeEndsWhereTheWritingEnded() throws Exception {
        assumeTrue(takesAnySize(), "does not apply: has a size of its own");
        final Session<Extent> session = begin(target(Unit.UNKNOWN));
        write(session, Images.extents(image, Kind.HOLE));
        session.write(Extent.hole(image.length, 70_000), null);
        session.commit(Revision.NONE);
        session.close();

        assertThat(stored())
                .hasValueSatisfying(bytes -> assertThat(bytes).isEqualTo(Arrays.copyOf(image, image.length + 70_000)));
    }

    @Test
    final void whatWasWrittenCanBeReadBackBeforeAndAfterTheCommit() throws Exception {
        final Session<Extent> session = begin(target(image.length));
        write(session, Images.extents(image, Kind.HOLE));
        final Optional<Source<Extent>> before = session.readBack();
        assumeTrue(before.isPresent(), "does not apply: cannot be read back");
        assertThat(Arrays.copyOf(Images.readAll(before.get()), image.length)).isEqualTo(image);

        session.commit(Revision.NONE);

        assertThat(Images.readAll(session.readBack().orElseThrow())).startsWith(image);
    }

    @Test
    final void aSecondSessionAtTheSameTimeIsMisuse() throws Exception {
        assumeTrue(locks(), "does not apply: does not lock");
        begin(target(image.length));

        assertMisuse(() -> begin(target(image.length)));
        assertMisuse(() -> begin(target(image.length).resumable(KEY)));
    }

    /** Returns whether a second session is refused while one is open. */
    protected boolean locks() {
        return true;
    }

    private static void assertMisuse(final ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.MISUSE));
    }

    @Test
    final void aKeyThatNobodyHasUsedResumesNothing() throws Exception {
        assertThat(begin(target(image.length).resumable(KEY)).resumed()).isFalse();
    }

    @Test
    final void aSessionWithTheSameKeyGoesOn() throws Exception {
        needsResumption();
        final List<Extent> extents = Images.extents(image, Kind.HOLE);
        final int half = extents.size() / 2;
        try (Session<Extent> killed = sink().begin(target(image.length).resumable(KEY))) {
            write(killed, extents.subList(0, half));
            killed.flush();
        }

        final Session<Extent> session = begin(target(image.length).resumable(KEY));
        assertThat(session.resumed()).isTrue();
        write(session, extents.subList(half, extents.size()));
        session.commit(Revision.NONE);
        session.close();

        assertThat(storedImage(image.length)).isEqualTo(image);
    }

    @Test
    final void aResumedSessionMayOverwriteWhatIsThereWithHoles() throws Exception {
        needsResumption();
        final byte[] old = new byte[image.length];
        Arrays.fill(old, (byte) 3);
        final byte[] wanted = image;
        try (Session<Extent> killed = sink().begin(target(image.length).resumable(KEY))) {
            image = old;
            write(killed, Images.extents(old, Kind.HOLE));
            killed.flush();
        }
        image = wanted;

        final Session<Extent> session = begin(target(image.length).resumable(KEY));
        write(session, Images.extents(image, Kind.HOLE));
        session.commit(Revision.NONE);
        session.close();

        assertThat(storedImage(image.length)).isEqualTo(image);
    }

    @Test
    final void anotherKeyOrSizeOrACommitResumesNothing() throws Exception {
        needsResumption();
        try (Session<Extent> killed = sink().begin(target(image.length).resumable(KEY))) {
            killed.flush();
        }
        try (Session<Extent> other = sink().begin(target(image.length).resumable("contract2"))) {
            assertThat(other.resumed()).as("another key").isFalse();
        }
        try (Session<Extent> other = sink().begin(target(image.length - 4096L).resumable(KEY))) {
            assertThat(other.resumed()).as("another size").isFalse();
            other.commit(Revision.NONE);
        }
        try (Session<Extent> other = sink().begin(target(image.length - 4096L).resumable(KEY))) {
            assertThat(other.resumed()).as("after a commit").isFalse();
        }
    }

    @Test
    final void whatWasDiscardedIsNotGoneOnWith() throws Exception {
        needsResumption();
        final Session<Extent> wrong = begin(target(image.length).resumable(KEY));
        write(wrong, Images.extents(image, Kind.HOLE));
        wrong.flush();

        wrong.discard();

        assertThat(begin(target(image.length).resumable(KEY)).resumed()).isFalse();
    }

    @Test
    final void geometryCanBeAskedBeforeAnythingIsThere() throws Exception {
        final Sink<Extent> sink = sink();

        assertThat(sink.geometry().sizeBytes() == Unit.UNKNOWN).isEqualTo(takesAnySize());
    }
}
