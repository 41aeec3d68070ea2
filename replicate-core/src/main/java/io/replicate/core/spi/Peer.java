package io.replicate.core.spi;

import java.util.Optional;

/**
 * The other side of a link.
 *
 * @param address for messages: host:port, a path, a command.
 * @param identity that the transport has proven (a certificate's subject), if any.
 * @param authenticated whether the peer has proven a certificate or a shared secret, and we to it.
 */
public record Peer(String address, Optional<String> identity, boolean authenticated) {

    /** Returns a peer that has proven nothing. */
    public static Peer anonymous(final String address) {
        return new Peer(address, Optional.empty(), false);
    }

    @Override
    public String toString() {
        return identity.map(id -> address + " (" + id + ")").orElse(address);
    }
}
