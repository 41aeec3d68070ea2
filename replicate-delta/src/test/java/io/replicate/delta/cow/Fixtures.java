package io.replicate.delta.cow;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.StreamSupport;
import java.util.zip.GZIPInputStream;

/** Exception stores written by a real kernel, with what must come out. */
public final class Fixtures {
    private static final JsonNode MANIFEST = manifest();

    private Fixtures() {}

    private static JsonNode manifest() {
        try (InputStream in = open("manifest.json")) {
            return new ObjectMapper().readTree(in);
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static InputStream open(final String name) throws IOException {
        final InputStream in = Fixtures.class.getResourceAsStream("/fixtures/" + name);
        if (in == null) {
            throw new IOException("no fixture " + name);
        }
        return in;
    }

    /** Returns the cases of a kind: {@code merge} or {@code reject}. */
    public static List<JsonNode> cases(final String kind) {
        return StreamSupport.stream(MANIFEST.get("cases").spliterator(), false)
                .filter(c -> c.get("kind").asText().equals(kind))
                .toList();
    }

    /** Returns the headers that must be refused. */
    public static List<JsonNode> headers() {
        return StreamSupport.stream(MANIFEST.get("headers").spliterator(), false)
                .toList();
    }

    /** Returns an image, unpacked. */
    public static byte[] image(final String name) {
        try (InputStream in = new GZIPInputStream(open(name + ".gz"))) {
            return in.readAllBytes();
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns the SHA-256 in hexadecimal. */
    public static String sha256(final byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (final NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
