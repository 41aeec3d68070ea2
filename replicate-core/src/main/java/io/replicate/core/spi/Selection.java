package io.replicate.core.spi;

import java.util.List;

/** Which units of a source a plan lists. A source refuses (MISUSE) a selection that it does not know. */
public sealed interface Selection {

    /** Everything. */
    Selection ALL = new All();

    record All() implements Selection {}

    /**
     * The given extents, in any order (their kinds are ignored: the source says what is there). The plan ascends and lists no
     * byte twice, though they overlap; one that goes beyond the end is refused (MISUSE).
     */
    record Ranges(List<Extent> extents) implements Selection {
        public Ranges {
            extents = List.copyOf(extents);
        }
    }

    /** The contents whose hexadecimal hash begins with {@code hex}. */
    record Prefix(String hex) implements Selection {}

    /** What changed after the revision. */
    record ChangedSince(Revision revision) implements Selection {}

    /** What the named dirty bitmap marks. */
    record Bitmap(String name) implements Selection {}
}
