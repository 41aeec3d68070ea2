package io.replicate.ring.internal;

import io.replicate.core.spi.Extent;
import io.replicate.core.spi.FileSlice;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Source;
import org.jspecify.annotations.Nullable;

/** Where the bytes of frames are that are not in memory. Thread-safe. */
interface StoredBytes {

    /** Returns the file range of an extent. */
    FileSlice slice(Extent extent) throws ReplicationException;

    /** Returns the bytes of a source, or of a store that can be read back; null where there are none. */
    static StoredBytes of(final @Nullable Source<Extent> source) {
        return extent -> {
            if (source == null) {
                throw ReplicationException.fail("the bytes at offset=" + extent.offset() + " are gone", null);
            }
            return source.slice(extent)
                    .orElseThrow(() -> ReplicationException.fail(source + " has no file to send from", null));
        };
    }
}
