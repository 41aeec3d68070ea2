package io.replicate.delta;

import io.replicate.core.spi.Cancellation;
import io.replicate.delta.cow.ResumeToken;
import io.replicate.delta.cow.StreamIds;
import org.jspecify.annotations.Nullable;

/**
 * How a delta is extracted.
 *
 * @param bare whether the stream has neither marker nor trailer, as dds wrote it.
 * @param base generation that the changes are from, or empty.
 * @param generation that the source is, or empty.
 * @param streamId 32 hexadecimal digits.
 * @param exceptions how many of the changes are written, at most: all, or as many as a cut stream had.
 * @param cancellation is looked at while it runs.
 */
public record ExtractOptions(
        boolean bare, String base, String generation, String streamId, long exceptions, Cancellation cancellation) {

    /** Returns the options of a new stream, with an id of its own. */
    public static ExtractOptions of(
            final boolean bare, final String base, final String generation, final Cancellation cancellation) {
        return new ExtractOptions(bare, base, generation, StreamIds.random(), ResumeToken.ANY, cancellation);
    }

    /** Returns these options for a stream that was cut: the same stream again; this one when there is no token. */
    public ExtractOptions continuing(final @Nullable ResumeToken token) {
        if (token == null) {
            return this;
        }
        return new ExtractOptions(
                token.streamId().equals(ResumeToken.BARE),
                base,
                generation,
                token.streamId(),
                token.exceptions(),
                cancellation);
    }
}
