package io.replicate.core.spi;

import java.util.List;

/**
 * Where a unit is now.
 *
 * @param copies how many replicas were stored.
 * @param places that hold them, for reports; empty when there is only one place.
 */
public record Stored(int copies, List<String> places) {
    /** One copy, in the only place there is. */
    public static final Stored ONCE = new Stored(1, List.of());

    public Stored {
        places = List.copyOf(places);
    }
}
