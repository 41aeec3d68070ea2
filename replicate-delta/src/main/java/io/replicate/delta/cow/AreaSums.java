package io.replicate.delta.cow;

import io.replicate.core.spi.Digest;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.zip.CRC32C;

/** The checksums of a stream as it goes by: SHA-256 of all, CRC32C of each area with its data. */
final class AreaSums {
    private final MessageDigest sha = Digest.Algorithm.SHA_256.newMessageDigest();
    private final CRC32C crc = new CRC32C();
    private int[] crcs = new int[16];
    private int areas;
    private boolean inArea;

    /** Ends the area before, if there was one, and begins the next. */
    void beginArea() {
        endArea();
        inArea = true;
        crc.reset();
    }

    /** Ends the last area. */
    void endArea() {
        if (inArea) {
            if (areas == crcs.length) {
                crcs = Arrays.copyOf(crcs, 2 * areas);
            }
            crcs[areas++] = (int) crc.getValue();
            inArea = false;
        }
    }

    /** Adds bytes of the stream; the buffer is left as it is. */
    void update(final ByteBuffer bytes) {
        sha.update(bytes.duplicate());
        if (inArea) {
            crc.update(bytes.duplicate());
        }
    }

    int[] areaCrcs() {
        return Arrays.copyOf(crcs, areas);
    }

    /** Returns the SHA-256 of all bytes so far, and ends it. */
    byte[] sha256() {
        return sha.digest();
    }

    /** Returns the SHA-256 of all bytes so far, and goes on. */
    byte[] sha256SoFar() {
        try {
            return ((MessageDigest) sha.clone()).digest();
        } catch (final CloneNotSupportedException e) {
            throw new IllegalStateException("the JRE's SHA-256 can be cloned", e);
        }
    }
}
