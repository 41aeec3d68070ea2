package io.replicate.ring.internal;

import io.replicate.core.job.ExtentDigest;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Unit;
import io.replicate.ring.Verify;
import io.replicate.ring.internal.ControlMessage.Offer;
import java.nio.file.Path;

/** Bounds every number of an offer, and compares its target with the one that the node was pinned to. */
final class OfferCheck {
    private static final int MIN_FRAME_BYTES = 4096;
    private static final int MAX_INTERVAL_MS = 60_000;

    private OfferCheck() {}

    static void check(final Offer offer, final NodeSettings settings) throws ReplicationException {
        final boolean sane = offer.sizeBytes() >= Unit.UNKNOWN
                && offer.dataBytes() >= Unit.UNKNOWN
                && offer.node() >= 0
                && offer.frameBytes() >= MIN_FRAME_BYTES
                && offer.frameBytes() <= ExtentDigest.CHUNK_BYTES
                && Integer.bitCount(offer.frameBytes()) == 1
                && Verify.isCode(offer.verify())
                && offer.heartbeatMs() >= 1
                && offer.heartbeatMs() <= offer.deadAfterMs()
                && offer.deadAfterMs() <= MAX_INTERVAL_MS
                && !offer.target().isEmpty();
        if (!sane) {
            throw ReplicationException.corrupt("the server's offer has a number that is out of range: " + offer);
        }
        if (settings.pin() != null && !samePlace(settings.pin(), offer.target())) {
            throw ReplicationException.misuse(
                    "this node may only write " + settings.pin() + ", the server wants " + offer.target());
        }
        if (offer.force() && !settings.force()) {
            throw ReplicationException.misuse("the server wants to force its target; join with --force to allow it");
        }
    }

    private static boolean samePlace(final String pin, final String offered) throws ReplicationException {
        final Locator a = Locator.parse(pin);
        final Locator b = Locator.parse(offered);
        if (!a.scheme().equals(b.scheme())) {
            return false;
        }
        return "file".equals(a.scheme())
                ? Path.of(a.rest())
                        .toAbsolutePath()
                        .normalize()
                        .equals(Path.of(b.rest()).toAbsolutePath().normalize())
                : a.rest().equals(b.rest());
    }
}
