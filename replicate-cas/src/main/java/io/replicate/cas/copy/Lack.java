package io.replicate.cas.copy;

import io.replicate.cas.store.CasStore;
import io.replicate.core.spi.Digest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What the copies of a content in the destination lack.
 *
 * @param missingCopies how many there are too few; none or less when there are enough.
 * @param misplaced whether there are enough copies, and one is not where clients look first.
 * @param emptyPlaces where a copy belongs and is not, best first.
 */
record Lack(int missingCopies, boolean misplaced, List<Integer> emptyPlaces) {
    /** Of a content that lacks nothing. */
    static final Lack NOTHING = new Lack(0, false, List.of());

    /** Returns what is wrong with a content that these devices hold. */
    static Lack of(final CasStore store, final Digest digest, final List<Integer> held, final int wanted) {
        final List<Integer> empty = new ArrayList<>();
        final Set<Integer> seen = new HashSet<>();
        for (final int place : store.placement(digest)) {
            final int device = store.deviceOf(place);
            if (seen.size() < wanted && seen.add(device) && !held.contains(device)) {
                empty.add(place);
            }
        }
        return new Lack(wanted - held.size(), !empty.isEmpty() && held.size() >= wanted, empty);
    }

    boolean isToMend(final CopyOptions options) {
        return (options.ensureCopies && missingCopies > 0) || (options.fixPlacement && !emptyPlaces.isEmpty());
    }
}
