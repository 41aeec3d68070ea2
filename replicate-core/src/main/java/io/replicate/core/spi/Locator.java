package io.replicate.core.spi;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Names a backend: {@code scheme:rest?key=value&key=value}. A text without a scheme is a path and means {@code file:}.
 * The text is split at the first {@code ?}; keys and values are percent-decoded, and so is the rest, except of a bare
 * path, which is taken as it is. Not {@link java.net.URI}: that rejects {@code null:} and {@code mem:}, and hides the
 * query of {@code file:disk.img?direct=true}.
 *
 * @param scheme in lower case.
 * @param rest what stands between the scheme's colon and the query, decoded.
 * @param parameters of the query, in order; a key without a value has the value {@code true}.
 * @param text as it was written.
 */
public record Locator(String scheme, String rest, Map<String, String> parameters, String text) {

    public Locator {
        parameters = Collections.unmodifiableMap(new LinkedHashMap<>(parameters));
    }

    /**
     * Parses a locator.
     *
     * @throws ReplicationException MISUSE when the text is empty, a percent escape is broken or a key stands twice.
     */
    public static Locator parse(final String text) throws ReplicationException {
        final int query = text.indexOf('?');
        final String head = query < 0 ? text : text.substring(0, query);
        final int colon = schemeEnd(head);
        final String scheme = colon < 0 ? "file" : head.substring(0, colon).toLowerCase(Locale.ROOT);
        final String rawRest = colon < 0 ? head : head.substring(colon + 1);
        final String rest = colon < 0 ? rawRest : decode("file".equals(scheme) ? filePath(rawRest) : rawRest, text);
        if ("file".equals(scheme) && rest.isEmpty()) {
            throw ReplicationException.misuse("locator '" + text + "': a path is missing");
        }
        final Map<String, String> parameters = new LinkedHashMap<>();
        if (query >= 0) {
            parseQuery(text, text.substring(query + 1), parameters);
        }
        return new Locator(scheme, rest, parameters, text);
    }

    /** Returns the locator of a plain path. */
    public static Locator file(final String path) {
        return new Locator("file", path, Map.of(), path);
    }

    private static String filePath(final String raw) {
        return raw.startsWith("///") ? raw.substring(2) : raw;
    }

    private static int schemeEnd(final String head) {
        for (int i = 0; i < head.length(); i++) {
            final char c = head.charAt(i);
            if (c == ':') {
                return i > 1 ? i : -1;
            }
            final boolean letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
            final boolean other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
            if (!letter && (i == 0 || !other)) {
                return -1;
            }
        }
        return -1;
    }

    private static void parseQuery(final String text, final String query, final Map<String, String> into)
            throws ReplicationException {
        for (final String pair : query.split("&", -1)) {
            if (pair.isEmpty()) {
                continue;
            }
            final int equals = pair.indexOf('=');
            final String key = decode(equals < 0 ? pair : pair.substring(0, equals), text);
            final String value = equals < 0 ? "true" : decode(pair.substring(equals + 1), text);
            if (into.put(key, value) != null) {
                throw ReplicationException.misuse("locator '" + text + "': '" + key + "' is given twice");
            }
        }
    }

    private static String decode(final String raw, final String text) throws ReplicationException {
        if (raw.indexOf('%') < 0) {
            return raw;
        }
        final byte[] bytes = raw.getBytes(StandardCharsets.UTF_8);
        final ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length);
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] != '%') {
                out.write(bytes[i]);
                continue;
            }
            final int high = i + 2 < bytes.length ? Character.digit(bytes[i + 1], 16) : -1;
            final int low = i + 2 < bytes.length ? Character.digit(bytes[i + 2], 16) : -1;
            if (high < 0 || low < 0) {
                throw ReplicationException.misuse("locator '" + text + "': '%' must be followed by two hex digits");
            }
            out.write(high << 4 | low);
            i += 2;
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    /** Returns this locator with one more parameter; key and value need no escapes. */
    public Locator with(final String key, final String value) {
        final Map<String, String> more = new LinkedHashMap<>(parameters);
        more.put(key, value);
        return new Locator(scheme, rest, more, text + (text.indexOf('?') < 0 ? '?' : '&') + key + '=' + value);
    }

    /** Returns a parameter. */
    public Optional<String> parameter(final String key) {
        return Optional.ofNullable(parameters.get(key));
    }

    /**
     * Returns a yes-or-no parameter; false when it is absent.
     *
     * @throws ReplicationException MISUSE when it is neither {@code true}, {@code 1}, {@code yes} nor their opposites.
     */
    public boolean flag(final String key) throws ReplicationException {
        final String value = parameters.get(key);
        if (value == null) {
            return false;
        }
        return switch (value.toLowerCase(Locale.ROOT)) {
            case "true", "1", "yes", "on" -> true;
            case "false", "0", "no", "off" -> false;
            default ->
                throw ReplicationException.misuse(
                        "locator '" + text + "': " + key + " is '" + value + "', expected true or false");
        };
    }

    /**
     * Refuses parameters that nobody reads.
     *
     * @throws ReplicationException MISUSE naming the first that is not {@code known}.
     */
    public void allowOnly(final String... known) throws ReplicationException {
        for (final String key : parameters.keySet()) {
            if (!java.util.List.of(known).contains(key)) {
                throw ReplicationException.misuse("locator '" + text + "': unknown parameter '" + key + "', known: "
                        + (known.length == 0 ? "none" : String.join(", ", known)));
            }
        }
    }

    /** Returns the authority of {@code //authority/path}, or empty. */
    public String authority() {
        if (!rest.startsWith("//")) {
            return "";
        }
        final int slash = rest.indexOf('/', 2);
        return slash < 0 ? rest.substring(2) : rest.substring(2, slash);
    }

    @Override
    public String toString() {
        return text;
    }
}
