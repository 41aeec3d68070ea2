package io.replicate.cas.store;

import io.replicate.cas.index.DigestTable;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Selection;
import java.io.IOException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What all stores do alike. */
public final class Contents {
    private Contents() {}

    /** Returns the plan of all contents of a store, or of those with a prefix, each once, in hash order. */
    public static Plan<Digest> plan(final CasStore store, final Selection selection) throws IOException {
        final String prefix;
        if (selection instanceof Selection.Prefix p) {
            prefix = p.hex();
        } else if (selection instanceof Selection.All) {
            prefix = "";
        } else {
            throw ReplicationException.misuse(
                    store.name() + ": contents can be selected by prefix only, not by " + selection);
        }
        checkPrefix(store.algorithm(), prefix);
        final DigestTable table = new DigestTable(store.algorithm(), 0);
        for (int place = 0; place < store.places().size(); place++) {
            store.index(place, prefix, (hash, size, mtime) -> table.add(hash, size, 0));
        }
        table.seal();
        return of(table);
    }

    /** Returns the plan of everything in a sealed table. */
    public static Plan<Digest> of(final DigestTable table) {
        final DigestTable.Cursor cursor = table.cursor();
        return new Plan<>() {
            @Override
            public @Nullable Digest next() {
                return cursor.next() ? cursor.digest() : null;
            }

            @Override
            public long totalBytes() {
                return table.totalBytes();
            }
        };
    }

    /**
     * Returns the hash function that a locator's parameter {@code digest} names; MD5 without it.
     *
     * @throws ReplicationException MISUSE when there is no such function.
     */
    public static Digest.Algorithm algorithm(final Locator locator) throws ReplicationException {
        final String digest = locator.parameter("digest").orElse("md5").toLowerCase(Locale.ROOT);
        return switch (digest) {
            case "md5" -> Digest.Algorithm.MD5;
            case "sha-256", "sha256" -> Digest.Algorithm.SHA_256;
            default ->
                throw ReplicationException.misuse(
                        "locator '" + locator + "': digest is '" + digest + "', expected md5 or sha-256");
        };
    }

    /**
     * Checks a prefix before anybody is asked.
     *
     * @throws ReplicationException MISUSE unless it is 0 to 32 (SHA-256: 64) lower-case hexadecimal digits.
     */
    public static void checkPrefix(final Digest.Algorithm algorithm, final String prefix) throws ReplicationException {
        final int most = 2 * algorithm.hashBytes();
        if (!prefix.matches("[0-9a-f]{0," + most + "}")) {
            throw ReplicationException.misuse(String.format(
                    Locale.ROOT,
                    "prefix '%s': expected at most %d lower-case hexadecimal digits",
                    prefix.replaceAll("[^ -~]", "?"),
                    most));
        }
    }
}
