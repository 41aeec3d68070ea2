package io.replicate.ring.internal;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.job.ExtentDigest;
import io.replicate.core.job.Throttle;
import io.replicate.core.job.Zeros;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Unit;
import io.replicate.ring.Verify;
import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads the source from its beginning to its end, once, and appends it to the server's feed as frames. */
final class SourceFeeder {
    private static final Logger log = LoggerFactory.getLogger(SourceFeeder.class);
    private static final int PROBE_BYTES = 4096;

    private final Source<Extent> source;
    private final Revision revision;
    private final Feed feed;
    private final BlockPool pool;
    private final ServerSettings settings;
    private final Throttle throttle;
    private final Cancellation cancellation;
    private final FrameEncoder encoder;
    private final ExtentDigest digest = new ExtentDigest();
    private final FrameMaker maker;
    private long position;

    /** @param revision the state of the source that the nodes were offered. */
    SourceFeeder(
            final Source<Extent> source,
            final Revision revision,
            final Feed feed,
            final BlockPool pool,
            final ServerSettings settings,
            final Throttle throttle,
            final Cancellation cancellation) {
        this.source = source;
        this.revision = revision;
        this.feed = feed;
        this.pool = pool;
        this.settings = settings;
        this.throttle = throttle;
        this.cancellation = cancellation;
        this.maker = new FrameMaker(pool);
        this.encoder = new FrameEncoder(settings.compression(), pool);
    }

    /**
     * Feeds everything.
     *
     * @param known is told the digest in hexadecimal, empty when nothing is verified, before anybody can have the end.
     */
    void run(final Consumer<String> known) throws IOException {
        requireUnchanged("before it was read");
        try (Plan<Extent> plan = source.plan(Selection.ALL)) {
            for (@Nullable Extent extent = plan.next(); extent != null; extent = plan.next()) {
                cancellation.check();
                if (!feedExtent(extent)) {
                    break;
                }
            }
        }
        final long size = source.geometry().sizeBytes();
        if (size != Unit.UNKNOWN && position != size) {
            throw ReplicationException.fail(
                    "the source ended at offset=" + position + ", its size was announced as " + size, null);
        }
        requireUnchanged("while it was read");
        final String hex =
                settings.verify() == Verify.NONE ? "" : digest.finish().hex();
        known.accept(hex);
        feed.append(Frame.end(position, hex));
    }

    /** Copies that mix two states of the source, or go on from another one, may all be equal, and are none of it. */
    private void requireUnchanged(final String when) throws IOException {
        final Revision now = source.revision();
        if (now.equals(revision)) {
            return;
        }
        final String what = "the source changed " + when + " (" + revision + " at the start, " + now
                + " now): the copies may mix both";
        if (!settings.force()) {
            throw ReplicationException.fail(what + "; stop what writes to it or clone a snapshot, or force it", null);
        }
        log.warn("{}", what);
    }

    private boolean feedExtent(final Extent extent) throws IOException {
        if (extent.hasData()) {
            return feedData(extent);
        }
        appendEmpty(FrameMaker.typeOf(extent), extent.length());
        return true;
    }

    private boolean feedData(final Extent extent) throws IOException {
        final int frameBytes = settings.frameBytes();
        while (position < extent.end()) {
            cancellation.check();
            final long length = Math.min(frameBytes - position % frameBytes, extent.end() - position);
            if (canSendFromFile(length)) {
                throttle.acquire(length, cancellation);
                feed.append(Frame.stored(FrameType.FLAG_NO_CRC, position, length, 0));
                position += length;
                continue;
            }
            final Block block = pool.take();
            final int read;
            try {
                throttle.acquire(length, cancellation);
                read = source.read(Extent.data(position, length), block);
            } catch (final IOException | RuntimeException e) {
                block.release();
                throw e;
            }
            if (read <= 0) {
                block.release();
                return false;
            }
            append(block);
        }
        return true;
    }

    /** Without verification bytes need not be looked at, except that a block which begins with zeros may be all zeros. */
    private boolean canSendFromFile(final long length) throws IOException {
        if (settings.verify() != Verify.NONE
                || settings.compression() != Compression.NONE
                || source.slice(Extent.data(position, length)).isEmpty()) {
            return false;
        }
        final Block probe = pool.take();
        try {
            final int read = source.read(Extent.data(position, Math.min(length, PROBE_BYTES)), probe);
            return read > 0 && !Zeros.isZero(probe.bytes());
        } finally {
            probe.release();
        }
    }

    private void append(final Block block) throws IOException {
        final List<Frame> frames = maker.split(position, block);
        for (int i = 0; i < frames.size(); i++) {
            try {
                append(frames.get(i));
            } catch (final IOException | RuntimeException e) {
                frames.subList(i + 1, frames.size()).forEach(Frame::release);
                throw e;
            }
        }
    }

    /** Appends a frame and takes it over. */
    private void append(final Frame frame) throws IOException {
        if (settings.verify() != Verify.NONE) {
            if (frame.payload() == null) {
                digest.zeros(position, frame.extentLength());
            } else {
                digest.data(position, frame.extentLength(), frame.payloadCrc());
            }
        }
        position += frame.extentLength();
        feed.append(encoder.encode(frame));
    }

    private void appendEmpty(final int type, final long length) throws IOException {
        append(Frame.empty(type, position, length));
    }

    /** Returns how far the source has been read. */
    long position() {
        return feed.endPosition();
    }
}
