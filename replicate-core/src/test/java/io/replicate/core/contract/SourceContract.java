package io.replicate.core.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Source;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The behaviour of every {@link Source} of extents. Extend it, say how yours is made, and run it with JUnit:
 *
 * <pre>{@code
 * class MySourceContractTest extends SourceContract {
 *     @Override
 *     protected Source<Extent> newSource(final byte[] content) throws Exception {
 *         return new MySource(storeSomewhere(content));
 *     }
 * }
 * }</pre>
 *
 * Sources whose geometry is sequential are excused from everything that needs random access.
 */
@Timeout(240)
public abstract class SourceContract {
    private static final int SIZE_BYTES = 3 << 20;
    private static final int BLOCK_BYTES = 256 << 10;

    private final BlockPool pool = new BlockPool(BLOCK_BYTES, 4);
    private byte[] content = {};
    private Source<Extent> source;

    /** Makes a source that shows this content; it is closed behind the test. Runs of zeros may be holes, or data. */
    protected abstract Source<Extent> newSource(byte[] content) throws Exception;

    /**
     * Returns what the source is to show: by default about 3 MiB, half of it runs of zeros, with an end that is aligned to
     * nothing. Override where only some sizes or contents are possible.
     */
    protected byte[] content(final Random random) {
        return Images.sparse(SIZE_BYTES + 1234, random);
    }

    @BeforeEach
    final void openSource() throws Exception {
        content = content(Seeds.random(getClass().getSimpleName()));
        source = newSource(content);
    }

    @AfterEach
    final void closeSourceAndCountBlocks() throws Exception {
        if (source != null) {
            source.close();
        }
        assertThat(pool.lent()).as("blocks that did not come back").isZero();
        pool.close();
    }

    private void needsRandomAccess() {
        assumeFalse(source.geometry().sequential(), "does not apply: sequential source");
    }

    private Extent data(final long offset, final long length) {
        return Extent.data(offset, length);
    }

    private byte[] read(final long offset, final int length) throws IOException {
        final Block block = pool.take();
        try {
            final int got = source.read(data(offset, length), block);
            assertThat(block.length()).isEqualTo(Math.max(0, got));
            final byte[] bytes = new byte[block.length()];
            block.bytes().get(bytes);
            return bytes;
        } finally {
            block.release();
        }
    }

    private int align(final int offset) {
        return offset / source.geometry().minIoBytes() * source.geometry().minIoBytes();
    }

    @Test
    final void theSizeIsThatOfTheContentIfItIsKnown() {
        if (source.geometry().sized()) {
            assertThat(source.geometry().sizeBytes()).isEqualTo(content.length);
        } else {
            assertThat(source.geometry().sequential())
                    .as("only a stream has no size")
                    .isTrue();
        }
    }

    @Test
    final void whatThePlanListsReadsAsTheContent() throws Exception {
        assertThat(Images.readAll(source)).isEqualTo(content);
    }

    @Test
    final void thePlanCoversTheSizeInOrderAndWithoutGaps() throws Exception {
        try (Plan<Extent> plan = source.plan(Selection.ALL)) {
            assertThat(plan.totalBytes()).isEqualTo(source.geometry().sizeBytes());
            long at = 0;
            for (Extent extent = plan.next(); extent != null; extent = plan.next()) {
                assertThat(extent.offset()).isEqualTo(at);
                at = extent.end();
            }
            if (source.geometry().sized()) {
                assertThat(at).isEqualTo(content.length);
            } else {
                assertThat(at).isGreaterThanOrEqualTo(content.length);
            }
            assertThat(plan.next()).as("behind the end").isNull();
        }
    }

    @Test
    final void aPlanOfRangesCoversExactlyThem() throws Exception {
        needsRandomAccess();
        final int a = align(content.length / 7);
        final int b = align(content.length / 3);
        final int c = align(content.length / 2);
        final int end = content.length;
        final List<Extent> unsorted = List.of(data(c, end - c), data(a, b - a), data(a, align((a + b) / 2) - a));

        try (Plan<Extent> plan = source.plan(new Selection.Ranges(unsorted))) {
            assertThat(plan.totalBytes()).isEqualTo((long) b - a + end - c);
            final byte[] seen = new byte[content.length];
            long last = 0;
            for (Extent extent = plan.next(); extent != null; extent = plan.next()) {
                assertThat(extent.offset()).isGreaterThanOrEqualTo(last);
                last = extent.end();
                Arrays.fill(seen, (int) extent.offset(), (int) extent.end(), (byte) 1);
                if (!extent.hasData()) {
                    assertThat(Images.isZero(content, (int) extent.offset(), (int) extent.length()))
                            .as("%s is zero", extent)
                            .isTrue();
                }
            }
            final byte[] expected = new byte[content.length];
            Arrays.fill(expected, a, b, (byte) 1);
            Arrays.fill(expected, c, end, (byte) 1);
            assertThat(seen).isEqualTo(expected);
        }
    }

    @Test
    final void aRangeBeyondTheEndIsMisuse() {
        needsRandomAccess();
        assertMisuse(new Selection.Ranges(List.of(data(0, content.length + 1L))));
    }

    @Test
    final void aSelectionForContentsIsMisuse() {
        assertMisuse(new Selection.Prefix("00"));
    }

    private void assertMisuse(final Selection selection) {
        assertThatThrownBy(() -> source.plan(selection))
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.MISUSE));
    }

    @Test
    final void aReadThatReachesBeyondTheEndIsShort() throws Exception {
        needsRandomAccess();
        final int from = align(content.length - 1);

        assertThat(read(from, BLOCK_BYTES)).isEqualTo(Arrays.copyOfRange(content, from, content.length));
    }

    @Test
    final void aReadAtTheEndOrBehindItSaysSo() throws Exception {
        needsRandomAccess();
        final Block block = pool.take();
        try {
            assertThat(source.read(data(content.length, 1), block)).isEqualTo(-1);
            assertThat(source.read(data(1L << 40, 1), block)).isEqualTo(-1);
            assertThat(block.length()).isZero();
        } finally {
            block.release();
        }
    }

    @Test
    final void anyUnitCanBeReadAndReadAgain() throws Exception {
        needsRandomAccess();
        final Random random = Seeds.random(getClass().getSimpleName());
        for (int i = 0; i < 50; i++) {
            final int offset = align(random.nextInt(content.length));
            final int most = Math.min(BLOCK_BYTES, content.length - offset);
            final int wanted = Math.max(1, align(1 + random.nextInt(most)));
            final int length = offset + wanted > content.length ? most : wanted;

            final byte[] expected = Arrays.copyOfRange(content, offset, offset + length);
            assertThat(read(offset, length)).isEqualTo(expected);
            assertThat(read(offset, length)).isEqualTo(expected);
        }
    }

    @Test
    final void differentUnitsAreReadAtTheSameTime() throws Exception {
        needsRandomAccess();
        final ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            final List<Future<?>> readers = new ArrayList<>();
            for (int reader = 0; reader < 4; reader++) {
                final int first = reader;
                readers.add(threads.submit(() -> {
                    final int step = Math.max(source.geometry().minIoBytes(), 4096);
                    for (int at = first * step; at + step <= content.length; at += 4 * step) {
                        assertThat(read(at, step)).isEqualTo(Arrays.copyOfRange(content, at, at + step));
                    }
                    return null;
                }));
            }
            for (final Future<?> reader : readers) {
                reader.get(60, TimeUnit.SECONDS);
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    final void closingTwiceIsClosingOnce() throws Exception {
        source.close();
        source.close();
    }
}
