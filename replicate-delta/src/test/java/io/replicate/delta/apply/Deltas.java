package io.replicate.delta.apply;

import io.replicate.delta.cow.Bytes;
import io.replicate.delta.cow.ChunkData;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.Marker;
import io.replicate.delta.cow.SampleTaker;
import io.replicate.delta.cow.SnapLayout;
import io.replicate.delta.cow.StreamIds;
import io.replicate.delta.cow.StreamWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Images and the deltas between them. */
public final class Deltas {
    private Deltas() {}

    public static byte[] image(final int bytes, final long seed) {
        final byte[] image = new byte[bytes];
        new Random(seed).nextBytes(image);
        return image;
    }

    /** Returns the image with some chunks changed. */
    public static byte[] change(final byte[] image, final int chunkBytes, final int chunks, final long seed) {
        final byte[] next = image.clone();
        final Random random = new Random(seed);
        final int all = (image.length + chunkBytes - 1) / chunkBytes;
        for (int i = 0; i < chunks; i++) {
            next[Math.min(image.length - 1, random.nextInt(all) * chunkBytes + random.nextInt(chunkBytes))]++;
        }
        return next;
    }

    public static byte[] marked(
            final byte[] from, final byte[] to, final int chunkBytes, final String base, final String generation)
            throws IOException {
        return between(from, to, chunkBytes, base, generation, true);
    }

    public static byte[] bare(final byte[] from, final byte[] to, final int chunkBytes) throws IOException {
        return between(from, to, chunkBytes, "", "", false);
    }

    private static byte[] between(
            final byte[] from,
            final byte[] to,
            final int chunkBytes,
            final String base,
            final String generation,
            final boolean withMarker)
            throws IOException {
        final SnapLayout layout = new SnapLayout(chunkBytes);
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ExceptionList list = new ExceptionList()) {
            for (int chunk = (to.length - 1) / chunkBytes; chunk >= 0; chunk--) {
                final int end = Math.min(to.length, (chunk + 1) * chunkBytes);
                if (end > from.length
                        || !java.util.Arrays.equals(from, chunk * chunkBytes, end, to, chunk * chunkBytes, end)) {
                    list.entry(chunk, 0);
                }
            }
            final @Nullable Marker marker =
                    withMarker ? new Marker(to.length, list.size(), StreamIds.random(), base, generation) : null;
            new StreamWriter(Channels.newChannel(out), layout, marker)
                    .write(
                            list,
                            ChunkData.ofImage(new Bytes(to), layout, to.length),
                            () -> new SampleTaker(list, layout, new Bytes(to), to.length).take());
        }
        return out.toByteArray();
    }

    public static ReadableByteChannel in(final byte[] stream) {
        return Bytes.channel(stream, 1 << 20);
    }
}
