package io.replicate.delta;

import io.replicate.core.spi.Locator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Where the state of a target lies: beside a file, in a directory of the system for all else. */
public final class StatePlace {
    /** The parent of the state of devices and remote targets. */
    public static final Path SYSTEM = Path.of("/var/lib/replicate/delta");

    private StatePlace() {}

    /**
     * Returns the directory of a target's state; it may not exist.
     *
     * @param parent given by the user, or null.
     */
    public static Path of(final Locator target, final @Nullable Path parent) throws IOException {
        if (!"file".equals(target.scheme())) {
            return (parent == null ? SYSTEM : parent).resolve(safe(named(target)));
        }
        final Path given = Path.of(target.rest());
        final Path path = Files.exists(given) ? given.toRealPath() : given.toAbsolutePath();
        if (parent != null) {
            return parent.resolve(safe(path.toString()));
        }
        final boolean device = Files.exists(path) && !Files.isRegularFile(path);
        return device
                ? SYSTEM.resolve(safe(path.toString()))
                : path.resolveSibling("." + path.getFileName() + ".delta");
    }

    /** The parameters belong to the name: all the sockets of {@code nbd+unix:///?socket=…} have the same rest. */
    private static String named(final Locator target) {
        final StringBuilder name = new StringBuilder(target.scheme() + ":" + target.rest());
        new TreeMap<>(target.parameters())
                .forEach(
                        (key, value) -> name.append('?').append(key).append('=').append(value));
        return name.toString();
    }

    private static String safe(final String text) {
        final StringBuilder name = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            final char c = text.charAt(i);
            final boolean plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            if (plain || c == '-' || c == '.') {
                name.append(c);
            } else {
                name.append('_').append(Integer.toHexString(c)).append('_');
            }
        }
        return name.toString();
    }
}
