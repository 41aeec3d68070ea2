package io.replicate.core.net;

import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import java.net.Inet6Address;
import java.net.InetSocketAddress;

/**
 * The {@code //host:port} of a locator. An IPv6 address stands in brackets. An empty host is every local address for a
 * listener, and this machine for a connection.
 */
record HostAndPort(String host, int port) {
    private static final int MAX_PORT = 65535;

    static HostAndPort of(final Locator locator) throws ReplicationException {
        final String authority = locator.authority();
        if (!locator.rest().equals("//" + authority) && !locator.rest().equals("//" + authority + "/")) {
            throw bad(locator);
        }
        final int colon = authority.lastIndexOf(':');
        if (colon < 0) {
            throw bad(locator);
        }
        final String host = authority.substring(0, colon);
        final boolean bracketed = host.startsWith("[") && host.endsWith("]");
        if (!bracketed && (host.indexOf(':') >= 0 || host.indexOf('[') >= 0)) {
            throw bad(locator);
        }
        return new HostAndPort(
                bracketed ? host.substring(1, host.length() - 1) : host, port(authority.substring(colon + 1), locator));
    }

    private static int port(final String text, final Locator locator) throws ReplicationException {
        try {
            final int port = Integer.parseInt(text);
            if (port >= 0 && port <= MAX_PORT) {
                return port;
            }
        } catch (final NumberFormatException e) {
            // said below
        }
        throw bad(locator);
    }

    private static ReplicationException bad(final Locator locator) {
        return ReplicationException.misuse("locator '" + locator + "': expected " + locator.scheme()
                + "://HOST:PORT with a port from 0 to " + MAX_PORT + "; an IPv6 address stands in brackets");
    }

    /** Returns the numeric address, as it is written in messages and locators. */
    static String format(final InetSocketAddress address) {
        final String text = address.getAddress().getHostAddress();
        final boolean v6 = address.getAddress() instanceof Inet6Address;
        return (v6 ? "[" + text + "]" : text) + ":" + address.getPort();
    }

    @Override
    public String toString() {
        return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }
}
