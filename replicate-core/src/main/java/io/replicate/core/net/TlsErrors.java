package io.replicate.core.net;

import io.replicate.core.spi.Peer;
import io.replicate.core.spi.ReplicationException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.CertificateRevokedException;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.jspecify.annotations.Nullable;

/** Says in plain words what TLS found wrong, and what to do about it. */
final class TlsErrors {
    private static final Pattern ALERT = Pattern.compile("Received fatal alert: (\\w+)");
    private static final String SECRET_ON_ONE_SIDE =
            "one side has a shared secret and the other has none; give both the same secret-file";

    /** Alerts of RFC 8446 section 6.2 as the one who gets them should read them. */
    private static final Map<String, String> ALERTS = Map.of(
            "no_application_protocol", SECRET_ON_ONE_SIDE,
            "certificate_required", "it demands a certificate, and we have none: client-cert.pem, client-key.pem",
            "bad_certificate", "it demands a certificate, and refused ours or got none",
            "certificate_unknown", "it refused our certificate",
            "unknown_ca", "our certificate is not of its CA",
            "certificate_expired", "our certificate has expired",
            "certificate_revoked", "our certificate is revoked",
            "handshake_failure", "it found nothing that both sides support",
            "protocol_version", "it supports neither TLS 1.3 nor 1.2");

    private TlsErrors() {}

    /** Returns the failure of a handshake: a stranger is FAIL_JOB, noise at a server's port is RETRY. */
    static ReplicationException handshake(final Peer peer, final boolean server, final SSLException e) {
        if (!(e instanceof SSLHandshakeException) && alertOf(e).isEmpty()) {
            final String message = "tls: " + peer + " does not speak TLS: " + e.getMessage();
            return server ? ReplicationException.retry(message, e) : ReplicationException.fail(message, e);
        }
        return ReplicationException.fail("tls: " + peer + ": " + explain(e), e);
    }

    /** Returns the failure of a stream whose handshake went well; a late alert is the peer's refusal of our proof. */
    static ReplicationException stream(final String what, final Peer peer, final SSLException e) {
        return alertOf(e).isPresent()
                ? ReplicationException.fail("tls: " + what + " " + peer + ": " + explain(e), e)
                : ReplicationException.retry("tls: " + what + " " + peer + ": " + e.getMessage(), e);
    }

    private static Optional<String> alertOf(final SSLException e) {
        final Matcher alert = ALERT.matcher(String.valueOf(e.getMessage()));
        return alert.find() ? Optional.of(alert.group(1).toLowerCase(Locale.ROOT)) : Optional.empty();
    }

    private static String explain(final SSLException e) {
        final Optional<String> alert = alertOf(e);
        if (alert.isPresent()) {
            return ALERTS.getOrDefault(alert.get(), "it ended the handshake") + " (alert " + alert.get() + ")";
        }
        for (@Nullable Throwable t = e; t != null; t = t.getCause()) {
            if (t instanceof CertificateExpiredException) {
                return "its certificate has expired: " + t.getMessage();
            }
            if (t instanceof CertificateNotYetValidException) {
                return "its certificate is not valid yet: " + t.getMessage();
            }
            if (isRevocation(t)) {
                return "its certificate is revoked: " + t.getMessage();
            }
        }
        final String message = String.valueOf(e.getMessage());
        if (message.contains("application layer protocol")) {
            return SECRET_ON_ONE_SIDE;
        }
        if (message.contains("Empty client certificate chain")) {
            return "it has no certificate, and this server demands one";
        }
        if (message.contains("PKIX path")) {
            return "its certificate is not of our CA (" + message + ")";
        }
        if (e.getCause() instanceof CertificateException) {
            return "its certificate is not the one for this host: "
                    + e.getCause().getMessage();
        }
        return message;
    }

    private static boolean isRevocation(final Throwable t) {
        return t instanceof CertificateRevokedException
                || (t instanceof CertPathValidatorException v
                        && v.getReason() == CertPathValidatorException.BasicReason.REVOKED);
    }
}
