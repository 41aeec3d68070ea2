package io.replicate.nbd.server;

import org.jspecify.annotations.Nullable;

/**
 * What all connections of a server share.
 *
 * @param tls how TLS is spoken, or null when it is not.
 * @param tlsRequired whether nothing is said without it.
 * @param listing whether clients may ask for the list of exports.
 */
record ServerSettings(
        ExportTable exports,
        @Nullable TlsHandlers tls,
        boolean tlsRequired,
        boolean listing,
        AccessList access,
        ServerLimits limits) {

    boolean hasTls() {
        return tls != null;
    }
}
