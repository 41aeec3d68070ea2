package io.replicate.ring.internal;

import io.replicate.core.net.SharedSecret;
import io.replicate.core.spi.Link;
import java.io.IOException;
import java.time.Duration;

/** Proves on a fresh link that both sides belong to the ring, before any other byte. Thread-safe. */
public interface LinkGuard {
    /** A plain link has no session to bind the proof to. */
    byte[] NO_BINDING = {};

    /** Asks for no proof and gives none: the transport does, or the user said {@code --insecure}. */
    LinkGuard NONE = new LinkGuard() {
        @Override
        public void proveOut(final Link link) {}

        @Override
        public void proveIn(final Link link) {}
    };

    /** Returns the guard of a ring whose members know a secret. */
    static LinkGuard of(final SharedSecret secret) {
        final Duration wait = Duration.ofSeconds(5);
        return new LinkGuard() {
            @Override
            public void proveOut(final Link link) throws IOException {
                secret.authenticate(link, SharedSecret.Role.CLIENT, NO_BINDING, wait);
            }

            @Override
            public void proveIn(final Link link) throws IOException {
                secret.authenticate(link, SharedSecret.Role.SERVER, NO_BINDING, wait);
            }
        };
    }

    /** Proves, as the side that has connected. */
    void proveOut(Link link) throws IOException;

    /** Proves, as the side that was connected to. */
    void proveIn(Link link) throws IOException;
}
