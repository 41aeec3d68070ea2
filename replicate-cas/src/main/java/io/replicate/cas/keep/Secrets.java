package io.replicate.cas.keep;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Takes out of texts what nobody may read in a log: signatures, and the tokens and keys that were given. */
public final class Secrets {
    private static final Pattern SIGNATURE = Pattern.compile("\\+A[0-9a-f]{8,40}(@[0-9a-f]*)?");
    private static final Pattern AUTHORIZATION = Pattern.compile("(?i)(OAuth2|Bearer)\\s+\\S+");
    private static final int SHORTEST_SECRET = 5;

    private final List<String> values;

    /** Creates a redactor of these values; what is shorter than five characters is left alone. */
    public Secrets(final List<String> values) {
        this.values = values.stream()
                .map(String::trim)
                .filter(value -> value.length() >= SHORTEST_SECRET)
                .distinct()
                .toList();
    }

    /** Returns the redactor of all secrets of some clusters. */
    public static Secrets of(final KeepConfig... configs) {
        return new Secrets(Stream.of(configs)
                .flatMap(config -> config.secrets().values.stream())
                .toList());
    }

    /** Returns the text without permission signatures. */
    public static String withoutSignatures(final String text) {
        return SIGNATURE.matcher(text).replaceAll("+A…");
    }

    /** Returns the text without signatures, authorization headers and the values of this redactor. */
    public String redact(final String text) {
        String clean = withoutSignatures(text);
        clean = AUTHORIZATION.matcher(clean).replaceAll("$1 …");
        for (final String value : values) {
            clean = clean.replace(value, "…");
        }
        return clean;
    }
}
