package io.replicate.delta.cow;

import io.replicate.core.posix.Alignment;
import io.replicate.core.spi.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Takes hashes of what a delta does not change, so that a target which is not the delta's base is found out. Of a small
 * image all of it is hashed; of a large one a few hundred places.
 */
public final class SampleTaker {
    private static final long WHOLE_BYTES = 32L << 20;
    private static final int WHOLE_PIECE_BYTES = 1 << 20;
    private static final int PLACES = 256;
    private static final int PLACE_BYTES = 4096;
    private static final int BUFFER_BYTES = 64 << 10;

    private final ExceptionList exceptions;
    private final SnapLayout layout;
    private final RandomBytes image;
    private final long imageBytes;
    private final List<Trailer.Sample> samples = new ArrayList<>();

    /** Creates a taker of samples of an image, between the exceptions. */
    public SampleTaker(
            final ExceptionList exceptions, final SnapLayout layout, final RandomBytes image, final long imageBytes) {
        this.exceptions = exceptions;
        this.layout = layout;
        this.image = image;
        this.imageBytes = imageBytes;
    }

    private interface Gap {
        void take(long from, long to) throws IOException;
    }

    /** Returns the samples, in ascending order. */
    public List<Trailer.Sample> take() throws IOException {
        final long[] unchanged = new long[2];
        gaps((from, to) -> {
            unchanged[0] += to - from;
            unchanged[1] += 1 + (to - from) / WHOLE_PIECE_BYTES;
        });
        if (unchanged[0] <= WHOLE_BYTES && unchanged[1] <= Trailer.MAX_SAMPLES) {
            gaps((from, to) -> {
                for (long at = from; at < to; at += WHOLE_PIECE_BYTES) {
                    add(at, (int) Math.min(WHOLE_PIECE_BYTES, to - at));
                }
            });
        } else {
            somePlaces(unchanged[0]);
        }
        return samples;
    }

    private void somePlaces(final long unchangedBytes) throws IOException {
        final long[] places =
                new Random().longs(PLACES, 0, unchangedBytes).sorted().toArray();
        final long[] passed = new long[1];
        final int[] next = new int[1];
        gaps((from, to) -> {
            while (next[0] < PLACES && places[next[0]] < passed[0] + to - from) {
                final long at = from + (places[next[0]] - passed[0]) / PLACE_BYTES * PLACE_BYTES;
                final long last =
                        samples.isEmpty() ? -1 : samples.get(samples.size() - 1).offset();
                if (at != last) {
                    add(at, (int) Math.min(PLACE_BYTES, to - at));
                }
                next[0]++;
            }
            passed[0] += to - from;
        });
    }

    private void add(final long offset, final int length) throws IOException {
        samples.add(new Trailer.Sample(offset, length, hash(image, offset, length)));
    }

    private void gaps(final Gap gap) throws IOException {
        long at = 0;
        try (Pairs pairs = exceptions.sorted()) {
            while (pairs.next()) {
                final long start = Math.min(imageBytes, pairs.oldChunk() * layout.chunkBytes());
                if (start > at) {
                    gap.take(at, start);
                }
                at = Math.min(imageBytes, start + layout.chunkBytes());
            }
        }
        if (at < imageBytes) {
            gap.take(at, imageBytes);
        }
    }

    /** Returns the first 8 bytes of the SHA-256 of a range. */
    public static long hash(final RandomBytes image, final long offset, final int length) throws IOException {
        final MessageDigest sha = Digest.Algorithm.SHA_256.newMessageDigest();
        final ByteBuffer buffer = Alignment.buffer(Math.min(BUFFER_BYTES, length));
        for (int at = 0; at < length; at += buffer.limit()) {
            image.read(offset + at, buffer.clear().limit(Math.min(buffer.capacity(), length - at)));
            sha.update(buffer.flip());
        }
        return ByteBuffer.wrap(sha.digest()).getLong();
    }
}
