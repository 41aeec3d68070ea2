package io.replicate.examples.bench;

import io.replicate.core.spi.Locator;
import io.replicate.delta.Images;
import io.replicate.delta.cow.ChunkData;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.SnapLayout;
import io.replicate.delta.cow.StreamWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.LongStream;

/** An image of random bytes, what became of it when a tenth of its chunks changed, and the store that names them. */
final class DeltaImages {
    static final int CHUNK = 4096;

    private static final SnapLayout LAYOUT = new SnapLayout(CHUNK);
    private static final int PIECE = 1 << 20;
    private static final int ONE_IN = 10;
    private static final int BURST = 64;

    private final Path base;
    private final Path next;
    private final Path cow;
    private final Path empty;
    private final long[] chunks;

    private DeltaImages(final Path directory, final long[] chunks) {
        this.base = directory.resolve("base.img");
        this.next = directory.resolve("next.img");
        this.cow = directory.resolve("snap.cow");
        this.empty = directory.resolve("empty.cow");
        this.chunks = chunks;
    }

    /** Makes images of {@code imageBytes}, a multiple of 1 MiB. */
    static DeltaImages make(final Path directory, final long imageBytes) throws IOException {
        final LongStream.Builder changed = LongStream.builder();
        final SplittableRandom random = new SplittableRandom(1);
        final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
        try (FileChannel a = create(directory.resolve("base.img"));
                FileChannel b = create(directory.resolve("next.img"))) {
            for (long at = 0; at < imageBytes; at += PIECE) {
                piece.clear();
                while (piece.hasRemaining()) {
                    piece.putLong(random.nextLong());
                }
                writeFully(a, piece.flip());
                for (int chunk = 0; chunk < PIECE / CHUNK; chunk++) {
                    if (random.nextInt(ONE_IN) == 0) {
                        piece.putLong(chunk * CHUNK, random.nextLong());
                        changed.add(at / CHUNK + chunk);
                    }
                }
                writeFully(b, piece.rewind());
            }
            a.force(true);
            b.force(true);
        }
        final DeltaImages images = new DeltaImages(directory, changed.build().toArray());
        images.writeStore(images.cow, images.inBursts(), imageBytes);
        images.writeStore(images.empty, List.of(), imageBytes);
        return images;
    }

    /** Writers are neither sorted nor random: bursts of neighbours, here and there. */
    private List<Long> inBursts() {
        final List<List<Long>> bursts = new ArrayList<>();
        for (int i = 0; i < chunks.length; i += BURST) {
            bursts.add(LongStream.of(chunks).skip(i).limit(BURST).boxed().toList());
        }
        Collections.shuffle(bursts, new Random(2));
        return bursts.stream().flatMap(List::stream).toList();
    }

    /** Writes a store as the kernel would: the old data, in the order in which the chunks were first written to. */
    private void writeStore(final Path file, final List<Long> order, final long imageBytes) throws IOException {
        try (ExceptionList list = new ExceptionList();
                FileChannel store = create(file);
                Images.Opened old = Images.source(Locator.file(base.toString()))) {
            for (final long chunk : order) {
                list.entry(chunk, 0);
            }
            new StreamWriter(store, LAYOUT, null)
                    .write(list, ChunkData.ofImage(old, LAYOUT, imageBytes), StreamWriter.Samples.NONE);
            store.force(true);
        }
    }

    private static FileChannel create(final Path file) throws IOException {
        return FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.READ);
    }

    private static void writeFully(final FileChannel to, final ByteBuffer from) throws IOException {
        while (from.hasRemaining()) {
            to.write(from);
        }
    }

    Path base() {
        return base;
    }

    Path next() {
        return next;
    }

    Path cow() {
        return cow;
    }

    /** Returns a store that names nothing. */
    Path emptyCow() {
        return empty;
    }

    /** Returns the chunks that changed in the order of the store. */
    long[] chunksInStore() {
        return inBursts().stream().mapToLong(Long::longValue).toArray();
    }

    /** Returns the chunks that changed, ascending. */
    long[] chunks() {
        return chunks.clone();
    }

    long changedBytes() {
        return (long) chunks.length * CHUNK;
    }
}
