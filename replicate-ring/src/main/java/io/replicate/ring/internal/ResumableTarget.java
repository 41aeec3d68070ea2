package io.replicate.ring.internal;

import io.replicate.core.block.BlockPool;
import io.replicate.core.job.ExtentDigest;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Target;
import io.replicate.ring.Verify;
import io.replicate.ring.internal.ControlMessage.Offer;
import java.io.IOException;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A target opened where an earlier run of the same copy left it, or from the start.
 *
 * @param position everything before it is there already.
 * @param digest of everything before it.
 */
record ResumableTarget(Session<Extent> session, long position, ExtentDigest digest) {
    private static final Logger LOG = LoggerFactory.getLogger(ResumableTarget.class);

    /**
     * Opens the target.
     *
     * @param rereading hears how far the reading of a device is that an earlier run has written to, and may end it.
     */
    static ResumableTarget open(
            final Offer offer, final Sink<Extent> sink, final NodeProgress progress, final StoredDigest.Watch rereading)
            throws IOException {
        final Optional<NodeProgress.State> earlier = progress.load();
        if (earlier.isPresent()) {
            return resume(offer, sink, progress, earlier.get(), rereading);
        }
        final ExtentDigest digest = new ExtentDigest();
        progress.begin(digest.save());
        try {
            return new ResumableTarget(sink.begin(target(offer, progress)), 0, digest);
        } catch (final IOException | RuntimeException e) {
            progress.forget(); // nothing was begun
            throw e;
        }
    }

    /** Goes on with the half-made target of the earlier copy, or from 0 in its place: there is never a second one. */
    private static ResumableTarget resume(
            final Offer offer,
            final Sink<Extent> sink,
            final NodeProgress progress,
            final NodeProgress.State state,
            final StoredDigest.Watch rereading)
            throws IOException {
        progress.resume(state);
        final Session<Extent> session = sink.begin(target(offer, progress));
        try {
            final @Nullable ExtentDigest earlier = digest(state);
            if (state.same()
                    && earlier != null
                    && state.position() <= offer.sizeBytes()
                    && session.resumed()
                    && isStillThere(offer, sink, session, state, rereading)) {
                LOG.info("going on at offset {}", state.position());
                return new ResumableTarget(session, state.position(), earlier);
            }
            final ExtentDigest digest = new ExtentDigest();
            progress.commit(0, digest.save());
            return new ResumableTarget(session, 0, digest);
        } catch (final IOException | RuntimeException e) {
            session.close();
            throw e;
        }
    }

    /**
     * Returns whether a device still holds what was written to it: others can write there too, unlike to a half-made file
     * that nobody knows. Without a digest there is nothing to compare it with.
     */
    @SuppressWarnings("EnumOrdinal") // the ordinal is on the wire
    private static boolean isStillThere(
            final Offer offer,
            final Sink<Extent> sink,
            final Session<Extent> session,
            final NodeProgress.State state,
            final StoredDigest.Watch rereading)
            throws IOException {
        final @Nullable Source<Extent> stored = session.readBack().orElse(null);
        if (!sink.geometry().device() || stored == null || Verify.ofCode(offer.verify()) == Verify.NONE) {
            return true;
        }
        try (BlockPool pool = new BlockPool(ExtentDigest.CHUNK_BYTES, 1)) {
            return Arrays.equals(
                    StoredDigest.read(stored, state.position(), pool, rereading).save(), state.digest());
        }
    }

    private static @Nullable ExtentDigest digest(final NodeProgress.State state) {
        try {
            return ExtentDigest.restore(state.digest());
        } catch (final ReplicationException e) {
            LOG.warn("starting again: {}", e.getMessage());
            return null;
        }
    }

    private static Target target(final Offer offer, final NodeProgress progress) {
        return new Target(
                offer.sizeBytes(), offer.dataBytes(), offer.fromDevice(), null, 1, progress.resumeKey(), offer.force());
    }
}
