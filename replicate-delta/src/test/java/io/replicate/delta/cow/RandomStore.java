package io.replicate.delta.cow;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * An exception store as a kernel could have left it, made with nothing of the production code: on a device full of
 * garbage, with gaps in the allocation, committed out of order, and perhaps half merged back into its origin.
 *
 * @param chunkBytes size of a chunk.
 * @param base the image without the changes.
 * @param store the exception store.
 * @param neededBytes how much of the store there must be: all areas and all data.
 * @param origins the changed chunks, in the order of the store.
 * @param expected the image with the changes.
 */
public record RandomStore(
        int chunkBytes, byte[] base, byte[] store, int neededBytes, List<Integer> origins, byte[] expected) {
    private static final int[] SECTORS = {1, 1, 1, 1, 2, 2, 8, 8, 8, 8, 32, 32, 128, 2048};
    private static final int MAX_CHUNKS = 130;
    private static final int MAX_IMAGE_BYTES = 400 << 10;

    /** Returns the store of a seed. */
    public static RandomStore of(final long seed) {
        final Random random = new Random(seed);
        final int chunk = 512 * SECTORS[random.nextInt(SECTORS.length)];
        final int perArea = chunk / 16;
        final int chunks = Math.min(1 + random.nextInt(MAX_CHUNKS), 1 + MAX_IMAGE_BYTES / chunk);
        final byte[] base = new byte[chunks * chunk - (random.nextBoolean() ? 0 : 512 * random.nextInt(chunk / 512))];
        random.nextBytes(base);
        final int count =
                random.nextInt(4) == 0 ? Math.min(chunks, perArea * random.nextInt(3)) : random.nextInt(chunks + 1);
        final int left = random.nextInt(3) == 0 ? random.nextInt(count + 1) : count; // the rest was merged back

        final List<Integer> all = new ArrayList<>();
        for (int i = 0; i < chunks; i++) {
            all.add(i);
        }
        Collections.shuffle(all, random);
        final List<Integer> places = places(random, count, perArea);
        final int areas = count / perArea + 1;
        int needed = (1 + (left / perArea) * (perArea + 1) + 1) * chunk;
        int end = (1 + (areas - 1) * (perArea + 1) + 1) * chunk;
        for (int k = 0; k < count; k++) {
            end = Math.max(end, (places.get(k) + 1) * chunk);
            if (k < left) {
                needed = Math.max(needed, (places.get(k) + 1) * chunk);
            }
        }
        final byte[] store = new byte[end + random.nextInt(3) * chunk];
        random.nextBytes(store); // what was on the device before
        final ByteBuffer b = ByteBuffer.wrap(store).order(ByteOrder.LITTLE_ENDIAN);
        Arrays.fill(store, 0, chunk, (byte) 0);
        b.putInt(0, 0x70416e53).putInt(4, 1).putInt(8, 1).putInt(12, chunk / 512);
        for (int area = 0; area < areas; area++) {
            final int at = (1 + area * (perArea + 1)) * chunk;
            Arrays.fill(store, at, at + chunk, (byte) 0);
        }
        final byte[] expected = base.clone();
        for (int k = 0; k < count; k++) {
            final int origin = all.get(k) * chunk;
            final int length = Math.min(chunk, base.length - origin);
            System.arraycopy(store, places.get(k) * chunk, expected, origin, length);
            if (k < left) {
                final int entry = (1 + (k / perArea) * (perArea + 1)) * chunk + k % perArea * 16;
                b.putLong(entry, all.get(k)).putLong(entry + 8, places.get(k));
            }
            if (k >= left || (k == left - 1 && left < count)) { // copied already, the last of these not yet taken off
                System.arraycopy(expected, origin, base, origin, length);
            }
        }
        return new RandomStore(chunk, base, store, needed, List.copyOf(all.subList(0, left)), expected);
    }

    /** Data chunks that are allocated in order, with gaps, and committed in any order within a window. */
    private static List<Integer> places(final Random random, final int count, final int perArea) {
        final int gaps = random.nextInt(3) == 0 ? 4 : 1;
        final List<Integer> places = new ArrayList<>();
        int next = 2;
        while (places.size() < count) {
            if ((next - 1) % (perArea + 1) != 0 && random.nextInt(gaps) == 0) {
                places.add(next);
            }
            next++;
        }
        final int window = new int[] {1, 1, 4, 40, 1000}[random.nextInt(5)];
        for (int at = 0; at < count; at += window) {
            Collections.shuffle(places.subList(at, Math.min(count, at + window)), random);
        }
        return places;
    }

    /** Returns the stream that has the changes, as the kernel accepts it: numbered anew, with data from an image. */
    public byte[] stream(final byte[] image) {
        final int perArea = chunkBytes / 16;
        final int count = origins.size();
        final ByteBuffer b = ByteBuffer.allocate((1 + count + count / perArea + 1) * chunkBytes)
                .order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(0x70416e53).putInt(1).putInt(1).putInt(chunkBytes / 512);
        for (int k = 0; k < count; k++) {
            final int place = 2 + k + k / perArea;
            b.position((1 + (k / perArea) * (perArea + 1)) * chunkBytes + k % perArea * 16);
            b.putLong(origins.get(k)).putLong(place);
            final int at = origins.get(k) * chunkBytes;
            b.position(place * chunkBytes).put(image, at, Math.min(chunkBytes, image.length - at));
        }
        return b.array();
    }

    @Override
    public String toString() {
        return "chunk " + chunkBytes + ", image " + base.length + ", store " + store.length + ", " + origins.size()
                + " exceptions";
    }
}
