package io.replicate.examples.cli;

import io.replicate.core.net.SharedSecret;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options by which the members of a ring know each other; the same on both sides. */
final class RingOptions {
    private static final long MAX_WINDOW_BYTES = 64L << 30;

    @Option(
            names = "--secret-file",
            paramLabel = "FILE",
            description = "The secret that all members of the ring share (else the environment variable"
                    + " REPLICATE_SECRET). Everybody proves it to everybody before a byte is taken.")
    private @Nullable Path secretFile;

    @Option(names = "--tls", description = "Encrypt all links.")
    private boolean tls;

    @Option(
            names = "--tls-certificates",
            paramLabel = "DIR",
            description = "Certificates for --tls: ca-cert.pem, server-cert.pem, server-key.pem, client-cert.pem,"
                    + " client-key.pem.")
    private @Nullable Path certificates;

    @Option(names = "--insecure", description = "Take part without a secret or certificates.")
    private boolean insecure;

    /** Returns how many blocks of 1 MiB are so many bytes; at least 2. */
    static int blocks(final long bytes) throws ReplicationException {
        if (bytes > MAX_WINDOW_BYTES) {
            throw ReplicationException.misuse("--window is larger than 64G");
        }
        return (int) Math.max(2, bytes >> 20);
    }

    String scheme() {
        return tls || certificates != null ? "tls" : "tcp";
    }

    /** Returns the parameters of the transport's locators, with the question mark, or nothing. */
    String query() {
        if (certificates == null) {
            return tls && secretFile != null ? "?secret-file=" + encode(secretFile) : "";
        }
        return "?certificates=" + encode(certificates) + "&verify-peer=true";
    }

    private static String encode(final Path path) {
        return URLEncoder.encode(path.toAbsolutePath().toString(), StandardCharsets.UTF_8)
                .replace("+", "%20");
    }

    /** Returns the secret that is proven over plain links, or null where the transport proves, or nobody does. */
    @Nullable
    SharedSecret secret() throws IOException {
        if ("tls".equals(scheme())) {
            return null;
        }
        if (secretFile != null) {
            return SharedSecret.load(secretFile);
        }
        final @Nullable String text = System.getenv(SharedSecret.ENVIRONMENT);
        if (text != null) {
            return SharedSecret.of(text.getBytes(StandardCharsets.UTF_8));
        }
        if (!insecure) {
            throw ReplicationException.misuse("there is no secret: give --secret-file FILE (the same on all members),"
                    + " --tls-certificates DIR, or --insecure to obey whoever connects");
        }
        return null;
    }
}
