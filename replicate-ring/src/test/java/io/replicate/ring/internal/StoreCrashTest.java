package io.replicate.ring.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.contract.FaultyCheckpoint;
import io.replicate.core.contract.FaultySink;
import io.replicate.core.contract.PowerFailure;
import io.replicate.core.contract.Seeds;
import io.replicate.core.job.ExtentDigest;
import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sink;
import io.replicate.ring.Verify;
import io.replicate.ring.internal.ControlMessage.Offer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The store of a node loses power at every step: between data, flush and checkpoint, at the commit, behind it. Of what was
 * not flushed anything may be lost. The same command again always ends with the whole image, and nothing left beside it.
 */
@Timeout(240)
class StoreCrashTest {
    private static final int FRAME_BYTES = 4096;
    private static final int FRAMES = 5;
    private static final StoredDigest.Watch UNWATCHED = (offset, size) -> {};
    private static final int SIZE_BYTES = FRAMES * FRAME_BYTES + 100;

    private final Random random = Seeds.random("StoreCrashTest");
    private final byte[] image = new byte[SIZE_BYTES];

    @TempDir
    private Path directory;

    private Path target = Path.of("");
    private long resumedAt;

    @BeforeEach
    void makeImage() {
        random.nextBytes(image);
        java.util.Arrays.fill(image, FRAME_BYTES, 2 * FRAME_BYTES, (byte) 0);
        target = directory.resolve("image");
    }

    private Offer offer(final Verify verify) {
        return new Offer(
                ControlMessage.VERSION,
                "session",
                0,
                "node",
                SIZE_BYTES,
                SIZE_BYTES,
                false,
                false,
                target.toString(),
                "image",
                verify.code(),
                FRAME_BYTES,
                100,
                1000);
    }

    /** One life of a node: goes on where it can, receives everything that is missing, and commits. */
    @SuppressWarnings("unchecked") // file: is a sink of extents
    private void copy(final PowerFailure power, final Verify verify) throws IOException {
        final Offer offer = offer(verify);
        try (Checkpoint checkpoint = new FaultyCheckpoint(
                        Providers.checkpoint(
                                Locator.file(directory.resolve(".image.ring").toString())),
                        power);
                Sink<Extent> sink =
                        new FaultySink((Sink<Extent>) Providers.sink(Locator.file(target.toString())), power);
                BlockPool pool = new BlockPool(FRAME_BYTES, FRAMES + 4)) {
            final NodeProgress progress = new NodeProgress(checkpoint, new JobId("ring"), "image", Duration.ZERO);
            final ResumableTarget resumed = ResumableTarget.open(offer, sink, progress, UNWATCHED);
            resumedAt = resumed.position();
            final Feed feed =
                    new Feed(resumed.position(), FRAMES + 2, true, Duration.ofSeconds(1), Duration.ofSeconds(1));
            try (Session<Extent> session = resumed.session()) {
                final StoreWriter writer = new StoreWriter(
                        session,
                        feed.storeCursor(resumed.position()),
                        progress,
                        resumed.digest(),
                        SIZE_BYTES,
                        verify,
                        new FrameDecoder(pool),
                        (size, watch) -> StoredDigest.of(session.readBack().orElse(null), size, pool, watch));
                receive(feed, pool, resumed.position());
                writer.run(Duration.ofMillis(10));
            } finally {
                feed.fail(new IOException("the life is over"));
            }
            assertThat(pool.lent()).isZero();
        }
    }

    private void receive(final Feed feed, final BlockPool pool, final long from) throws IOException {
        for (int at = (int) from; at < SIZE_BYTES; at += FRAME_BYTES) {
            final int length = Math.min(FRAME_BYTES, SIZE_BYTES - at);
            final Block block = pool.take();
            block.space().put(image, at, length);
            block.length(length);
            feed.append(FrameMaker.of(at, block, new CRC32C()));
        }
        final ExtentDigest digest = new ExtentDigest();
        digest.data(0, ByteBuffer.wrap(image));
        feed.append(Frame.end(SIZE_BYTES, digest.finish().hex()));
    }

    @ParameterizedTest
    @EnumSource(
            value = Verify.class,
            names = {"STREAM", "NONE"})
    void aNodeThatLosesPowerAtAnyStepEndsWithTheWholeImageAllTheSame(final Verify verify) throws IOException {
        final PowerFailure count = PowerFailure.never();
        copy(count, verify);
        assertThat(count.steps()).contains("before flush", "after flush", "before checkpoint", "after commit");
        Files.delete(target);

        int wentOn = 0;
        for (int step = 0; step < count.steps().size(); step++) {
            final String name = count.steps().get(step);
            final PowerFailure first = PowerFailure.at(step, random.nextLong());
            assertThatThrownBy(() -> copy(first, verify)).as(name).isInstanceOf(IOException.class);
            final PowerFailure second = PowerFailure.at(random.nextInt(8), random.nextLong());
            try {
                copy(second, verify);
            } catch (final PowerFailure.PowerIsOff e) {
                copy(PowerFailure.never(), verify);
            }
            wentOn += resumedAt > 0 ? 1 : 0;
            assertThat(Files.readAllBytes(target))
                    .as("after power was lost at %d: %s", step, name)
                    .isEqualTo(image);
            assertThat(directory).as("%d: %s", step, name).isDirectoryNotContaining("glob:**/.*");
            Files.delete(target);
        }
        assertThat(wentOn)
                .as("lives that went on with what an earlier one left")
                .isGreaterThan(count.steps().size() / 4);
    }

    @Test
    void aStreamThatEndsEarlyIsNotCommitted() throws IOException {
        try (BlockPool pool = new BlockPool(FRAME_BYTES, 4);
                Sink<?> sink = Providers.sink(Locator.file(target.toString()))) {
            final NodeProgress progress = new NodeProgress(null, new JobId("ring"), "image", Duration.ZERO);
            @SuppressWarnings("unchecked")
            final ResumableTarget opened =
                    ResumableTarget.open(offer(Verify.NONE), (Sink<Extent>) sink, progress, UNWATCHED);
            final Feed feed = new Feed(0, 4, true, Duration.ofSeconds(1), Duration.ofSeconds(1));
            try (Session<Extent> session = opened.session()) {
                final StoreWriter writer = new StoreWriter(
                        session,
                        feed.storeCursor(0),
                        progress,
                        opened.digest(),
                        SIZE_BYTES,
                        Verify.NONE,
                        new FrameDecoder(pool),
                        (size, watch) -> "");
                feed.append(Frame.empty(FrameType.HOLE, 0, FRAME_BYTES));
                feed.append(Frame.end(FRAME_BYTES, ""));
                assertThatThrownBy(() -> writer.run(Duration.ofMillis(10)))
                        .hasMessage("the stream ended at offset=4096, its size was announced as " + SIZE_BYTES);
            }
        }
        assertThat(target).doesNotExist();
    }

    @Test
    void aStreamWithoutADigestIsNotCommittedWhenOneWasAnnounced() throws IOException {
        try (BlockPool pool = new BlockPool(FRAME_BYTES, 4);
                Sink<?> sink = Providers.sink(Locator.file(target.toString()))) {
            final NodeProgress progress = new NodeProgress(null, new JobId("ring"), "image", Duration.ZERO);
            @SuppressWarnings("unchecked")
            final ResumableTarget opened =
                    ResumableTarget.open(offer(Verify.STREAM), (Sink<Extent>) sink, progress, UNWATCHED);
            final Feed feed = new Feed(0, 4, true, Duration.ofSeconds(1), Duration.ofSeconds(1));
            try (Session<Extent> session = opened.session()) {
                final StoreWriter writer = new StoreWriter(
                        session,
                        feed.storeCursor(0),
                        progress,
                        opened.digest(),
                        SIZE_BYTES,
                        Verify.STREAM,
                        new FrameDecoder(pool),
                        (size, watch) -> "");
                feed.append(Frame.empty(FrameType.HOLE, 0, SIZE_BYTES));
                feed.append(Frame.end(SIZE_BYTES, ""));
                assertThatThrownBy(() -> writer.run(Duration.ofMillis(10)))
                        .hasMessageContaining("the digest of what was received is");
            }
        }
        assertThat(target).doesNotExist();
    }
}
