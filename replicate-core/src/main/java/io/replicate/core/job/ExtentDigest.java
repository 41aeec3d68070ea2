package io.replicate.core.job;

import io.replicate.core.spi.Digest;
import io.replicate.core.spi.ReplicationException;
import java.nio.ByteBuffer;
import java.security.DigestException;
import java.security.MessageDigest;
import java.util.zip.CRC32C;

/**
 * The digest of a copy: equal for two volumes with equal bytes, no matter how each of them reports its holes and in what
 * pieces it was read. Fed in ascending order by one thread.
 *
 * <p>The formula. The volume is cut at every multiple of 1 MiB ({@link #CHUNK_BYTES}); the last chunk may be shorter, and
 * where a copy leaves ranges out, each maximal covered part of a chunk stands for itself. A part whose bytes are all zero
 * (data, zero or hole alike) is <i>zero</i>, any other is <i>data</i>. Zero parts that touch are one <i>run</i>. Each
 * data part and each run, by offset, is one entry of 21 bytes, big-endian:
 *
 * <pre>
 *  off size field
 *    0   8  offset in bytes
 *    8   8  length in bytes
 *   16   4  CRC32C of the bytes; 0 for a run of zeros
 *   20   1  kind: 1 data, 0 zeros
 * </pre>
 *
 * and the digest is the last state of the chain {@code state = SHA-256(state || entry)} that begins with 32 zero bytes.
 * A chain rather than one hash over the list, because its state can be kept in a checkpoint; an entry fills exactly one
 * block of SHA-256, so it costs no more.
 */
public final class ExtentDigest {
    /** Where a volume is cut for its digest. */
    public static final int CHUNK_BYTES = 1 << 20;

    private static final int HASH_BYTES = 32;
    private static final int ENTRY_BYTES = 21;
    private static final int STATE_BYTES = HASH_BYTES + 5 * 8 + 4 + 1;
    private static final byte KIND_ZERO = 0;
    private static final byte KIND_DATA = 1;

    private final MessageDigest sha = Digest.Algorithm.SHA_256.newMessageDigest();
    private final CRC32C crc = new CRC32C();
    private final byte[] chain = new byte[HASH_BYTES];
    private final byte[] entry = new byte[ENTRY_BYTES];
    private final ByteBuffer fields = ByteBuffer.wrap(entry);

    /** The run of zeros that may grow: it ends where the open part begins. */
    private long runOffset;

    private long runLength;

    /** The part of a chunk that may grow; empty when the length is 0. */
    private long partOffset;

    private long partLength;
    private int partCrc;
    private boolean partZero = true;

    private long coveredBytes;

    /** Adds bytes, all those that remain in {@code bytes}; its position and limit are moved meanwhile, and put back. */
    public void data(final long offset, final ByteBuffer bytes) {
        final int begin = bytes.position();
        final int end = bytes.limit();
        long next = offset;
        try {
            for (int at = begin; at < end; ) {
                final int length = (int) Math.min(end - at, roomInChunk(next));
                bytes.limit(at + length).position(at);
                if (Zeros.isZero(bytes)) {
                    zeros(next, length);
                } else {
                    crc.reset();
                    crc.update(bytes);
                    data(next, length, (int) crc.getValue());
                }
                at += length;
                next += length;
            }
        } finally {
            bytes.limit(end).position(begin);
        }
    }

    /**
     * Adds bytes that are known not to be all zero by their CRC32C.
     *
     * @throws IllegalArgumentException when they lie in more than one chunk, or not behind what was added before.
     */
    public void data(final long offset, final long length, final int crc32c) {
        if (length < 1 || length > roomInChunk(offset)) {
            throw new IllegalArgumentException("data offset=" + offset + " length=" + length + " in several chunks");
        }
        add(offset, length, crc32c, false);
    }

    /** Adds a run of bytes that read as zero. */
    public void zeros(final long offset, final long length) {
        long at = offset;
        long left = length;
        if (left > 0 && at % CHUNK_BYTES != 0) {
            final long first = Math.min(left, roomInChunk(at));
            add(at, first, 0, true);
            at += first;
            left -= first;
        }
        final long whole = left - left % CHUNK_BYTES;
        if (whole > 0) {
            add(at, whole, 0, true);
            at += whole;
            left -= whole;
        }
        if (left > 0) {
            add(at, left, 0, true);
        }
    }

    /** Returns how many bytes there are from {@code offset} to the next cut. */
    static long roomInChunk(final long offset) {
        return CHUNK_BYTES - offset % CHUNK_BYTES;
    }

    private void add(final long offset, final long length, final int crc32c, final boolean zero) {
        if (offset < end()) {
            throw new IllegalArgumentException("offset " + offset + " after " + end());
        }
        if (partLength > 0 && (offset != partOffset + partLength || offset % CHUNK_BYTES == 0)) {
            closePart();
        }
        if (partLength == 0) {
            partOffset = offset;
            partLength = length;
            partCrc = crc32c;
            partZero = zero;
        } else if (partZero && zero) {
            partLength += length;
        } else {
            final int before = partZero ? Crc32cMath.ofZeros(partLength) : partCrc;
            partCrc = Crc32cMath.combine(before, zero ? Crc32cMath.ofZeros(length) : crc32c, length);
            partZero = false;
            partLength += length;
        }
        coveredBytes += length;
    }

    /** Returns the offset behind what was added last. */
    long end() {
        return partLength > 0 ? partOffset + partLength : runOffset + runLength;
    }

    private void closePart() {
        if (partLength == 0) {
            return;
        }
        if (partZero && runLength > 0 && runOffset + runLength == partOffset) {
            runLength += partLength;
        } else {
            closeRun();
            if (partZero) {
                runOffset = partOffset;
                runLength = partLength;
            } else {
                chain(partOffset, partLength, partCrc, KIND_DATA);
                // An empty run remembers how far the volume is covered.
                runOffset = partOffset + partLength;
            }
        }
        partLength = 0;
    }

    private void closeRun() {
        if (runLength > 0) {
            chain(runOffset, runLength, 0, KIND_ZERO);
            runOffset += runLength;
            runLength = 0;
        }
    }

    private void chain(final long offset, final long length, final int crc32c, final byte kind) {
        fields.clear().putLong(offset).putLong(length).putInt(crc32c).put(kind);
        sha.update(chain);
        sha.update(entry);
        try {
            sha.digest(chain, 0, HASH_BYTES);
        } catch (final DigestException e) {
            throw new IllegalStateException("SHA-256 has 32 bytes", e);
        }
    }

    /** Returns the digest of everything added, whose size is the number of bytes covered; nothing can be added after. */
    public Digest finish() {
        closePart();
        closeRun();
        return Digest.of(Digest.Algorithm.SHA_256, chain, coveredBytes);
    }

    /** Returns how many bytes were added, zeros included. */
    public long coveredBytes() {
        return coveredBytes;
    }

    /** Returns what {@link #restore(byte[])} goes on from. */
    public byte[] save() {
        return ByteBuffer.allocate(STATE_BYTES)
                .put(chain)
                .putLong(coveredBytes)
                .putLong(runOffset)
                .putLong(runLength)
                .putLong(partOffset)
                .putLong(partLength)
                .putInt(partCrc)
                .put((byte) (partZero ? 1 : 0))
                .array();
    }

    /**
     * Returns the digest as it was when {@code state} was saved.
     *
     * @throws ReplicationException CORRUPT when the state cannot be one.
     */
    public static ExtentDigest restore(final byte[] state) throws ReplicationException {
        if (state.length != STATE_BYTES) {
            throw ReplicationException.corrupt("digest state of " + state.length + " bytes");
        }
        final ExtentDigest digest = new ExtentDigest();
        final ByteBuffer in = ByteBuffer.wrap(state);
        in.get(digest.chain);
        digest.coveredBytes = in.getLong();
        digest.runOffset = in.getLong();
        digest.runLength = in.getLong();
        digest.partOffset = in.getLong();
        digest.partLength = in.getLong();
        digest.partCrc = in.getInt();
        digest.partZero = in.get() != 0;
        final boolean sane = digest.coveredBytes >= 0
                && isRange(digest.runOffset, digest.runLength)
                && isRange(digest.partOffset, digest.partLength);
        if (!sane) {
            throw ReplicationException.corrupt("digest state with impossible ranges");
        }
        return digest;
    }

    private static boolean isRange(final long offset, final long length) {
        return offset >= 0 && length >= 0 && offset <= Long.MAX_VALUE - length;
    }
}
