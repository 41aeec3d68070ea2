package io.replicate.delta.tree;

import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.apply.StateFile;
import io.replicate.delta.cow.Marker;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * A hash tree in a file: a header of 4096 bytes, little-endian, and the levels behind it, leaves first.
 *
 * <pre>
 *  off size field
 *    0   8  "RPLtree1"
 *    8   4  leaf size in bytes
 *   12   4  1 when the tree is whole, 0 while it is being built
 *   16   8  image size in bytes
 *   24  64  generation, ASCII, zero-padded
 *   88   4  CRC32C of bytes 0 to 87
 * </pre>
 *
 * Used by one thread.
 */
public final class TreeFile implements TreeReader {
    static final int HEADER_BYTES = 4096;

    private static final byte[] MAGIC = "RPLtree1".getBytes(StandardCharsets.US_ASCII);
    private static final int CRC_OFFSET = 88;

    private final StateFile file;
    private final TreeShape shape;
    private final ByteBuffer pageBuffer = ByteBuffer.allocateDirect(TreeShape.PAGE_BYTES);
    private String generation;
    private boolean whole;

    private TreeFile(final StateFile file, final TreeShape shape, final String generation, final boolean whole) {
        this.file = file;
        this.shape = shape;
        this.generation = generation;
        this.whole = whole;
    }

    /** Makes an empty tree, not yet whole, of an empty file. Takes the file over. */
    public static TreeFile create(final StateFile file, final TreeShape shape) throws IOException {
        final TreeFile tree = new TreeFile(file, shape, "", false);
        file.truncate(HEADER_BYTES + shape.levelOffset(shape.levels()));
        tree.writeHeader();
        return tree;
    }

    /**
     * Opens a tree. Takes the file over.
     *
     * @throws ReplicationException CORRUPT when it is none, or was cut.
     */
    public static TreeFile open(final StateFile file) throws IOException {
        final ByteBuffer b = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        if (file.size() < HEADER_BYTES) {
            throw damaged();
        }
        file.read(0, b);
        b.flip();
        final byte[] magic = new byte[MAGIC.length];
        b.get(magic);
        if (!java.util.Arrays.equals(magic, MAGIC) || crc(b) != b.getInt(CRC_OFFSET)) {
            throw damaged();
        }
        final TreeShape shape;
        try {
            shape = new TreeShape(b.getLong(16), b.getInt(8));
        } catch (final IllegalArgumentException e) {
            throw damaged();
        }
        if (file.size() < HEADER_BYTES + shape.levelOffset(shape.levels())) {
            throw damaged();
        }
        final byte[] id = new byte[Marker.MAX_ID];
        b.position(24).get(id);
        final String generation = new String(id, StandardCharsets.US_ASCII).replace("\0", "");
        return new TreeFile(file, shape, generation, b.getInt(12) == 1);
    }

    private static ReplicationException damaged() {
        return ReplicationException.corrupt("the hash tree beside the target is damaged; --verify makes a new one");
    }

    private void writeHeader() throws IOException {
        final ByteBuffer b = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        b.put(MAGIC).putInt(shape.leafBytes()).putInt(whole ? 1 : 0).putLong(shape.imageBytes());
        b.put(generation.getBytes(StandardCharsets.US_ASCII));
        b.putInt(CRC_OFFSET, crc(b));
        file.write(0, b.clear());
    }

    private static int crc(final ByteBuffer header) {
        final CRC32C crc = new CRC32C();
        crc.update(header.duplicate().position(0).limit(CRC_OFFSET));
        return (int) crc.getValue();
    }

    /** Returns the generation that it is of; empty when that has no name. */
    public String generation() {
        return generation;
    }

    /** Returns whether it was built to its end. */
    public boolean whole() {
        return whole;
    }

    /** Says, durably, that the tree is whole and of this generation. */
    public void complete(final String newGeneration) throws IOException {
        file.sync();
        generation = newGeneration;
        whole = true;
        writeHeader();
        file.sync();
    }

    @Override
    public TreeShape shape() {
        return shape;
    }

    @Override
    public byte[] page(final int level, final long page) throws IOException {
        final byte[] hashes = new byte[shape.pageCount(level, page) * TreeShape.HASH_BYTES];
        file.read(offset(level, page), pageBuffer.clear().limit(hashes.length));
        pageBuffer.flip().get(hashes);
        return hashes;
    }

    void writePage(final int level, final long page, final byte[] hashes, final int length) throws IOException {
        file.write(
                offset(level, page), pageBuffer.clear().put(hashes, 0, length).flip());
    }

    /** Sets hashes of leaves beside each other, {@link TreeShape#HASH_BYTES} each; what is above them is not changed. */
    void writeLeaves(final long firstLeaf, final ByteBuffer hashes) throws IOException {
        file.write(HEADER_BYTES + firstLeaf * TreeShape.HASH_BYTES, hashes);
    }

    private long offset(final int level, final long page) {
        return HEADER_BYTES + shape.levelOffset(level) + page * TreeShape.PAGE_BYTES;
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
