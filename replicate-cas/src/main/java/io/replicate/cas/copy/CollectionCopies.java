package io.replicate.cas.copy;

import io.replicate.cas.index.DigestTable;
import io.replicate.cas.keep.ApiServer;
import io.replicate.cas.keep.KeepLocator;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How many copies each block is to have, by the collections that it belongs to: the most that any of them wants. Blocks of
 * no collection are not in the table.
 */
public final class CollectionCopies {
    private static final Logger LOG = LoggerFactory.getLogger(CollectionCopies.class);
    private static final int MOST = 31;

    private CollectionCopies() {}

    /**
     * Reads all collections.
     *
     * @param defaultCopies of collections that have no wish of their own.
     * @return a table where the highest place of a hash is its number of copies.
     */
    public static DigestTable read(final ApiServer api, final int defaultCopies) throws IOException {
        final DigestTable table = new DigestTable(Digest.Algorithm.MD5, MOST + 1);
        api.collections((manifest, replication) ->
                add(table, manifest, Math.min(MOST, replication > 0 ? replication : defaultCopies)));
        table.seal();
        return table;
    }

    /** Adds the blocks of a manifest: the locators behind the stream name of each line. */
    static void add(final DigestTable table, final String manifest, final int copies) {
        for (final String line : manifest.split("\n")) {
            final String[] tokens = line.split(" ");
            for (int i = 1; i < tokens.length && !tokens[i].contains(":"); i++) {
                try {
                    table.add(KeepLocator.parseLenient(tokens[i]).digest().hash(), 0, copies);
                } catch (final ReplicationException e) {
                    LOG.warn("a manifest names what is no block: {}", e.getMessage());
                }
            }
        }
    }
}
