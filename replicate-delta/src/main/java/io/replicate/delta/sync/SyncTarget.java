package io.replicate.delta.sync;

import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;

/** One copy that a sync keeps. Used by one thread. */
interface SyncTarget extends AutoCloseable {

    Locator locator();

    /** Returns the generation that the copy is at; empty when it is not known. */
    String generation();

    /**
     * Brings the copy from one generation to the next by what the exception store names.
     *
     * @throws ReplicationException CORRUPT when the store is not valid.
     */
    void update(SyncSource source) throws IOException;

    /** Makes the copy equal to the source, whatever it is now. */
    void resync(SyncSource source) throws IOException;

    @Override
    void close() throws IOException;
}
