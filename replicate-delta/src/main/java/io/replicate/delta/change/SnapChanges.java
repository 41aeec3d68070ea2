package io.replicate.delta.change;

import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.StoreReader;
import java.io.IOException;

/** What the exception store of a snapshot names: the order of the store is kept. */
public final class SnapChanges implements Changes.Finder {
    private final StoreReader store;
    private final boolean lenient;

    /** Creates a finder over a store, which may be in use: what is added to it later is not seen. */
    public SnapChanges(final StoreReader store, final boolean lenient) {
        this.store = store;
        this.lenient = lenient;
    }

    @Override
    public Changes find(final long imageBytes) throws IOException {
        final ExceptionList chunks = store.exceptions(lenient);
        final long chunk = store.layout().chunkBytes();
        final long last = chunks.maxOldChunk();
        if (last * chunk >= imageBytes) {
            chunks.close();
            throw ReplicationException.misuse(store.where() + ": offset " + last * chunk
                    + " changed, but the source ends at " + imageBytes
                    + ": it is not a snapshot of the same volume, or was made smaller");
        }
        return new Changes(store.layout(), chunks);
    }
}
