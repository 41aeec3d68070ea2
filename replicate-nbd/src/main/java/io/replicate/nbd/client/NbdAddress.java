package io.replicate.nbd.client;

import io.netty.channel.unix.DomainSocketAddress;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Sizes;
import io.replicate.nbd.protocol.Nbd;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Where an export is and how it is reached, from a URI as the NBD project defines them (doc/uri.md): schemes
 * {@code nbd}, {@code nbds}, {@code nbd+unix}, {@code nbds+unix}, the export's name as the path, the Unix socket as the
 * parameter {@code socket}.
 *
 * @param host a name or address; empty for a Unix socket.
 * @param socket path of the Unix socket, or null for TCP.
 * @param export name; may be empty.
 * @param tls whether the connection must be TLS.
 * @param user who connects, for pre-shared keys; the user of this process when the URI names none.
 * @param certificates directory with PEM files, for TLS.
 * @param pskFile pre-shared keys, for TLS without certificates.
 * @param verifyPeer whether the server's certificate is checked.
 * @param hostname that the certificate must be for, when it is not the host's.
 * @param connections at most; more than one only where the server allows it.
 * @param timeout after which a request without an answer counts as a lost connection.
 * @param reconnect how long to try to get back; zero to fail at once.
 */
public record NbdAddress(
        String host,
        int port,
        @Nullable Path socket,
        String export,
        boolean tls,
        String user,
        Optional<Path> certificates,
        Optional<Path> pskFile,
        boolean verifyPeer,
        Optional<String> hostname,
        int connections,
        Duration timeout,
        Duration reconnect) {
    private static final Set<String> SCHEMES = Set.of("nbd", "nbds", "nbd+unix", "nbds+unix");
    private static final Set<String> PARAMETERS = Set.of(
            "socket",
            "tls-certificates",
            "tls-psk-file",
            "tls-verify-peer",
            "tls-hostname",
            "connections",
            "timeout",
            "reconnect");
    private static final int DEFAULT_CONNECTIONS = 4;
    private static final int MAX_CONNECTIONS = 64;
    private static final int MAX_PORT = 65535;

    /** Returns the schemes. */
    public static Set<String> schemes() {
        return SCHEMES;
    }

    /**
     * Reads a locator.
     *
     * @throws ReplicationException MISUSE with what is wrong.
     */
    public static NbdAddress of(Locator locator) throws ReplicationException {
        if (!SCHEMES.contains(locator.scheme())) {
            throw bad(locator, "the scheme must be nbd, nbds, nbd+unix or nbds+unix");
        }
        for (final String key : locator.parameters().keySet()) {
            if (!PARAMETERS.contains(key)) {
                throw bad(
                        locator,
                        "unknown parameter '" + key + "', known: " + String.join(", ", new TreeSet<>(PARAMETERS)));
            }
        }
        final boolean unix = locator.scheme().endsWith("+unix");
        final String rest = locator.rest();
        if (!rest.startsWith("//")) {
            throw bad(locator, "expected " + locator.scheme() + (unix ? ":///EXPORT?socket=PATH" : "://HOST/EXPORT"));
        }
        final int slash = rest.indexOf('/', 2);
        final String authority = slash < 0 ? rest.substring(2) : rest.substring(2, slash);
        final String export = slash < 0 ? "" : rest.substring(slash + 1);
        final boolean tls = locator.scheme().startsWith("nbds");
        final @Nullable String socket = locator.parameters().get("socket");
        if (unix != (socket != null)) {
            throw bad(locator, unix ? "the parameter socket=PATH is missing" : "'socket' needs nbd+unix:");
        }
        if (!tls && locator.parameters().keySet().stream().anyMatch(key -> key.startsWith("tls-"))) {
            throw bad(locator, "parameters of TLS need nbds: or nbds+unix:");
        }
        if (locator.parameter("tls-psk-file").isPresent()
                && locator.parameter("tls-certificates").isPresent()) {
            throw bad(locator, "tls-psk-file and tls-certificates exclude each other");
        }
        final int at = authority.indexOf('@');
        final String host = unix ? "" : host(locator, authority);
        final int port = unix ? 0 : port(locator, authority);
        return new NbdAddress(
                host,
                port,
                socket == null ? null : Path.of(socket),
                export,
                tls,
                at > 0 ? authority.substring(0, at) : System.getProperty("user.name"),
                locator.parameter("tls-certificates").map(Path::of),
                locator.parameter("tls-psk-file").map(Path::of),
                locator.parameter("tls-verify-peer").isEmpty() || locator.flag("tls-verify-peer"),
                locator.parameter("tls-hostname"),
                number(locator, "connections", DEFAULT_CONNECTIONS, 1, MAX_CONNECTIONS),
                Duration.ofSeconds(number(locator, "timeout", 60, 1, 86400)),
                Duration.ofSeconds(number(locator, "reconnect", 30, 0, 86400)));
    }

    private static String host(Locator locator, String authority) throws ReplicationException {
        final int at = authority.indexOf('@');
        final String hostAndPort = at < 0 ? authority : authority.substring(at + 1);
        if (hostAndPort.startsWith("[")) {
            final int close = hostAndPort.indexOf(']');
            if (close < 0) {
                throw bad(locator, "the address lacks its closing bracket");
            }
            return hostAndPort.substring(1, close);
        }
        final int colon = hostAndPort.lastIndexOf(':');
        final String host = colon < 0 ? hostAndPort : hostAndPort.substring(0, colon);
        if (host.indexOf(':') >= 0) {
            throw bad(locator, "an IPv6 address stands in brackets");
        }
        return host.isEmpty() ? "localhost" : host;
    }

    private static int port(Locator locator, String authority) throws ReplicationException {
        final int colon = authority.lastIndexOf(':');
        if (colon < 0 || authority.indexOf(']', colon) >= 0) {
            return Nbd.DEFAULT_PORT;
        }
        final String text = authority.substring(colon + 1);
        if (text.isEmpty()) {
            return Nbd.DEFAULT_PORT;
        }
        if (!text.matches("[0-9]{1,5}") || Integer.parseInt(text) > MAX_PORT || Integer.parseInt(text) == 0) {
            throw bad(locator, "the port must be 1 to " + MAX_PORT);
        }
        return Integer.parseInt(text);
    }

    private static int number(Locator locator, String key, int otherwise, int min, int max)
            throws ReplicationException {
        final @Nullable String text = locator.parameters().get(key);
        if (text == null) {
            return otherwise;
        }
        final long value = Sizes.parse(key, text);
        if (value < min || value > max) {
            throw bad(locator, key + " must be " + min + " to " + max);
        }
        return (int) value;
    }

    private static ReplicationException bad(Locator locator, String why) {
        return ReplicationException.misuse("locator '" + locator + "': " + why);
    }

    /** Returns where to connect to: a name may stand for several addresses, of which the first may not be the right one. */
    List<SocketAddress> socketAddresses(boolean epoll) throws ReplicationException {
        if (socket != null) {
            return List.of(epoll ? new DomainSocketAddress(socket.toFile()) : UnixDomainSocketAddress.of(socket));
        }
        try {
            return Arrays.stream(InetAddress.getAllByName(host))
                    .<SocketAddress>map(ip -> new InetSocketAddress(ip, port))
                    .toList();
        } catch (final UnknownHostException e) {
            throw ReplicationException.retry("cannot connect to " + server() + ": unknown host " + host, e);
        }
    }

    /** Returns the address of another export of the same server. */
    public NbdAddress withExport(String name) {
        return new NbdAddress(
                host,
                port,
                socket,
                name,
                tls,
                user,
                certificates,
                pskFile,
                verifyPeer,
                hostname,
                connections,
                timeout,
                reconnect);
    }

    /** Returns how the server is called in messages. */
    public String server() {
        final String scheme = tls ? "nbds" : "nbd";
        return socket != null
                ? scheme + "+unix:" + socket
                : scheme + "://" + (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }

    @Override
    public String toString() {
        return server() + (export.isEmpty() ? "" : " export '" + export + "'");
    }
}
