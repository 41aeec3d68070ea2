package io.replicate.delta.cow;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import org.jspecify.annotations.Nullable;

/** Does with arrays, and nothing of the production code, what a store means; and short cuts for tests. */
public final class Model {

    private Model() {}

    /** Applies a store to an image, following every exception. */
    public static byte[] merge(final byte[] base, final byte[] store) {
        final byte[] image = base.clone();
        final ByteBuffer b = ByteBuffer.wrap(store).order(ByteOrder.LITTLE_ENDIAN);
        final int chunk = b.getInt(12) * 512;
        int area = chunk;
        while (true) {
            for (int i = 0; i < chunk / 16; i++) {
                final long newChunk = b.getLong(area + 16 * i + 8);
                if (newChunk == 0) {
                    return image;
                }
                final int at = (int) b.getLong(area + 16 * i) * chunk;
                System.arraycopy(store, (int) newChunk * chunk, image, at, Math.min(chunk, image.length - at));
            }
            area += chunk + chunk / 16 * chunk;
        }
    }

    /** Writes the stream of a store with data from an image. */
    public static byte[] extract(final byte[] store, final byte[] image, final @Nullable Marker marker)
            throws IOException {
        final StoreReader reader = StoreReader.open(new Bytes(store), "store");
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ExceptionList exceptions = reader.exceptions(false)) {
            new StreamWriter(Channels.newChannel(out), reader.layout(), marker)
                    .write(
                            exceptions,
                            ChunkData.ofImage(new Bytes(image), reader.layout(), image.length),
                            StreamWriter.Samples.NONE);
        }
        return out.toByteArray();
    }

    /** Reads a stream forwards and returns its verbatim bytes. */
    public static byte[] read(final ReadableByteChannel in, final boolean lenient) throws IOException {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        new StreamReader(in, "stream", lenient).read(new StreamVisitor() {
            @Override
            public void header(final HeaderChunk header) {}

            @Override
            public void entry(final long oldChunk, final long newChunk) {}

            @Override
            public void bytes(final long offset, final ByteBuffer bytes) throws IOException {
                if (offset != out.size()) {
                    throw new IOException("bytes of offset " + offset + " at " + out.size());
                }
                final byte[] copy = new byte[bytes.remaining()];
                bytes.get(copy);
                out.write(copy);
            }

            @Override
            public void areaDone(final long area, final long endOffset) {}
        });
        return out.toByteArray();
    }
}
