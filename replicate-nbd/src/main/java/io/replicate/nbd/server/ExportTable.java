package io.replicate.nbd.server;

import io.replicate.core.spi.ReplicationException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The exports of a server by name. The empty name is the first one's, whatever its own. Immutable. */
final class ExportTable {
    private final List<Export> exports;
    private final Map<String, Export> byName = new HashMap<>();

    ExportTable(List<Export> exports) throws ReplicationException {
        if (exports.isEmpty()) {
            throw ReplicationException.misuse("an NBD server needs at least one export");
        }
        this.exports = List.copyOf(new ArrayList<>(exports));
        for (final Export export : exports) {
            if (byName.putIfAbsent(export.name(), export) != null) {
                throw ReplicationException.misuse(
                        "two exports have the name '" + export.name() + "': give each its own as NAME=URI");
            }
        }
        byName.putIfAbsent("", exports.get(0));
    }

    List<Export> all() {
        return exports;
    }

    Export first() {
        return exports.get(0);
    }

    Optional<Export> find(String name) {
        return Optional.ofNullable(byName.get(name));
    }
}
