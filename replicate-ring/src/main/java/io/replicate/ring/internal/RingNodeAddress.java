package io.replicate.ring.internal;

import io.replicate.core.spi.ReplicationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Where a node listens.
 *
 * @param name as the user wrote it.
 * @param addresses locators, one for each interface; the first carries the control link.
 */
public record RingNodeAddress(String name, List<String> addresses) {
    public RingNodeAddress {
        addresses = List.copyOf(addresses);
    }

    /**
     * Parses {@code HOST[:PORT][,HOST[:PORT]…]}: the same node on several interfaces. An IPv6 address stands in brackets
     * when a port follows.
     *
     * @param query that is appended to each locator, such as {@code ?certificates=/etc/pki}; may be empty.
     */
    public static RingNodeAddress parse(
            final String text, final int defaultPort, final String scheme, final String query)
            throws ReplicationException {
        final List<String> addresses = new ArrayList<>();
        for (final String part : text.split(",", -1)) {
            addresses.add(scheme + "://" + hostAndPort(part.strip(), defaultPort, text) + query);
        }
        return new RingNodeAddress(text.toLowerCase(Locale.ROOT), addresses);
    }

    private static String hostAndPort(final String part, final int defaultPort, final String text)
            throws ReplicationException {
        final int colon = part.lastIndexOf(':');
        final boolean bracketed = part.startsWith("[");
        final boolean bareIpv6 = !bracketed && colon >= 0 && part.indexOf(':') != colon;
        final String host;
        final String port;
        if (bareIpv6) {
            host = "[" + part + "]";
            port = "";
        } else if ((bracketed && part.endsWith("]")) || colon < 0) {
            host = part;
            port = "";
        } else {
            host = part.substring(0, colon);
            port = part.substring(colon + 1);
        }
        if (host.isEmpty()
                || (port.isEmpty() && part.endsWith(":") && !bareIpv6)
                || (!port.isEmpty() && !port.matches("[0-9]{1,5}"))) {
            throw ReplicationException.misuse("node '" + text + "': expected HOST or HOST:PORT");
        }
        final int number = port.isEmpty() ? defaultPort : Integer.parseInt(port);
        if (number < 1 || number > 65535) {
            throw ReplicationException.misuse("node '" + text + "': port " + number + " is not 1 to 65535");
        }
        return host + ":" + number;
    }
}
