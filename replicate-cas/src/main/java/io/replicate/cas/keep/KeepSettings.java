package io.replicate.cas.keep;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A settings file as Arvados' tools read it: {@code KEY=VALUE} lines, white space around both dropped. Empty lines and
 * comments are skipped, lines that make no sense are skipped with a warning.
 *
 * @param values by key.
 * @param warnings for the user, one line each, without secrets.
 */
public record KeepSettings(Map<String, String> values, List<String> warnings) {
    private static final String UTF_8_MARK = "\u00ef\u00bb\u00bf";

    public static final String API_HOST = "ARVADOS_API_HOST";
    public static final String API_TOKEN = "ARVADOS_API_TOKEN";
    public static final String API_HOST_INSECURE = "ARVADOS_API_HOST_INSECURE";
    public static final String BLOB_SIGNING_KEY = "ARVADOS_BLOB_SIGNING_KEY";
    public static final String EXTERNAL_CLIENT = "ARVADOS_EXTERNAL_CLIENT";
    public static final String KEEP_SERVICES = "ARVADOS_KEEP_SERVICES";

    private static final long MAX_FILE_BYTES = 1 << 20;
    private static final Set<String> YES = Set.of("1", "yes", "true", "t", "y");
    private static final Set<PosixFilePermission> OTHERS =
            Set.of(PosixFilePermission.GROUP_READ, PosixFilePermission.OTHERS_READ);

    public KeepSettings {
        values = Map.copyOf(values);
        warnings = List.copyOf(warnings);
    }

    /** Returns the file that a name stands for: a path when there is a slash in it, else one of the user's settings. */
    public static Path locate(final String name, final Map<String, String> environment) {
        if (name.indexOf('/') >= 0) {
            return Path.of(name);
        }
        final String home = environment.getOrDefault("HOME", System.getProperty("user.home", "/"));
        return Path.of(home, ".config", "arvados", name + ".conf");
    }

    /**
     * Reads the settings that a name stands for.
     *
     * @throws ReplicationException MISUSE when the file is missing, unreadable or larger than 1 MiB.
     */
    public static KeepSettings read(final String name, final Map<String, String> environment) throws IOException {
        final Path file = locate(name, environment);
        try {
            if (Files.size(file) > MAX_FILE_BYTES) {
                throw ReplicationException.misuse("Error reading config file \"" + name + "\": " + file
                        + " is larger than " + MAX_FILE_BYTES + " bytes");
            }
            final KeepSettings settings = parse(file.toString(), text(file));
            return settings.withWarnings(modeWarnings(file));
        } catch (final NoSuchFileException e) {
            throw unreadable(name, file, "no such file or directory");
        } catch (final AccessDeniedException e) {
            throw unreadable(name, file, "permission denied");
        } catch (final ReplicationException e) {
            throw e;
        } catch (final IOException e) {
            throw unreadable(name, file, String.valueOf(e.getMessage()));
        }
    }

    /** Some editors put a mark of UTF-8 before the first key. */
    private static String text(final Path file) throws IOException {
        final String text = Files.readString(file, StandardCharsets.ISO_8859_1);
        return text.startsWith(UTF_8_MARK) ? text.substring(UTF_8_MARK.length()) : text;
    }

    private static ReplicationException unreadable(final String name, final Path file, final String why) {
        return ReplicationException.misuse("Error reading config file \"" + name + "\": open " + file + ": " + why);
    }

    private static List<String> modeWarnings(final Path file) throws IOException {
        final Set<PosixFilePermission> mode = Files.getPosixFilePermissions(file);
        return OTHERS.stream().anyMatch(mode::contains)
                ? List.of("settings file " + file + " can be read by others than its owner: chmod 600 " + file)
                : List.of();
    }

    private KeepSettings withWarnings(final List<String> more) {
        final List<String> all = new ArrayList<>(warnings);
        all.addAll(more);
        return new KeepSettings(values, all);
    }

    /** Reads settings out of a text; {@code place} is named in warnings. */
    public static KeepSettings parse(final String place, final String text) {
        final Map<String, String> values = new HashMap<>();
        final List<String> warnings = new ArrayList<>();
        int number = 0;
        for (final String raw : text.split("\n", -1)) {
            number++;
            final String line = raw.trim();
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            }
            final int equals = line.indexOf('=');
            if (equals < 1) {
                // The line itself may be a token that lost its key: it is not shown.
                warnings.add("settings file " + place + ", line " + number + " is not KEY=VALUE and is skipped");
                continue;
            }
            values.put(
                    line.substring(0, equals).trim(), line.substring(equals + 1).trim());
        }
        return new KeepSettings(values, warnings);
    }

    /** Returns a value that is there and not empty. */
    public Optional<String> value(final String key) {
        return Optional.ofNullable(values.get(key)).filter(value -> !value.isEmpty());
    }

    /** Returns whether the value is 1, yes, true, y or t, in any case. */
    public boolean flag(final String key) {
        return value(key).map(v -> YES.contains(v.toLowerCase(Locale.ROOT))).orElse(false);
    }

    /** Returns the keys only: values are secrets. */
    @Override
    public String toString() {
        return "KeepSettings" + values.keySet();
    }
}
