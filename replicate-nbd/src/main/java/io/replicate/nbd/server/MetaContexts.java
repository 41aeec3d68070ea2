package io.replicate.nbd.server;

import io.replicate.nbd.bitmap.DirtyBitmap;
import io.replicate.nbd.protocol.Nbd;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Which metadata contexts an export has: base:allocation, and one for each dirty bitmap. */
final class MetaContexts {
    private static final String BASE_WILDCARD = "base:";
    private static final String QEMU_WILDCARD = "qemu:";

    private MetaContexts() {}

    /** Returns the names that match a query of LIST; a leaf name that is empty stands for all. */
    static List<String> list(Export export, String query) {
        final List<String> names = new ArrayList<>();
        if (query.equals(BASE_WILDCARD) || query.equals(Nbd.BASE_ALLOCATION)) {
            names.add(Nbd.BASE_ALLOCATION);
        }
        for (final DirtyBitmap bitmap : export.volume().bitmaps()) {
            final String name = Nbd.DIRTY_BITMAP + bitmap.name();
            if (query.equals(QEMU_WILDCARD) || query.equals(Nbd.DIRTY_BITMAP) || query.equals(name)) {
                names.add(name);
            }
        }
        return names;
    }

    /** Returns all names. */
    static List<String> all(Export export) {
        final List<String> names = list(export, BASE_WILDCARD);
        names.addAll(list(export, QEMU_WILDCARD));
        return names;
    }

    /** Returns the context that a query of SET selects: wildcards and strangers select none. */
    static Optional<Negotiated.Context> select(Export export, String query, int id) {
        if (query.equals(Nbd.BASE_ALLOCATION)) {
            return Optional.of(new Negotiated.Context(id, query, null));
        }
        if (!query.startsWith(Nbd.DIRTY_BITMAP)) {
            return Optional.empty();
        }
        return export.volume()
                .find(query.substring(Nbd.DIRTY_BITMAP.length()))
                .map(bitmap -> new Negotiated.Context(id, query, bitmap));
    }
}
