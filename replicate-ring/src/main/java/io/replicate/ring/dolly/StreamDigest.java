package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import io.replicate.core.job.ExtentDigest;

/** The digest of a stream from its first byte. Used by one thread. */
final class StreamDigest {
    private final ExtentDigest digest = new ExtentDigest();

    void add(final long offset, final Block block) {
        digest.data(offset, block.bytes());
    }

    /** Returns the digest in hexadecimal; nothing can be added after. */
    String finish() {
        return digest.finish().hex();
    }
}
