package io.replicate.delta;

import io.replicate.core.spi.Cancellation;

/**
 * How a delta is extracted.
 *
 * @param bare whether the stream has neither marker nor trailer, as dds wrote it.
 * @param base generation that the changes are from, or empty.
 * @param generation that the source is, or empty.
 * @param streamId 32 hexadecimal digits.
 * @param cancellation is looked at while it runs.
 */
public record ExtractOptions(
        boolean bare, String base, String generation, String streamId, Cancellation cancellation) {}
