package io.replicate.core.net;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Transport;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * TLS over TCP: {@code tls://HOST:PORT}, with the parameters of {@link SocketTransport} and those of {@link TlsOptions}.
 * The parameters of an address add to those of the transport, and go before them.
 */
public final class TlsTransport implements Transport {
    private static final Set<String> TLS_PARAMETERS =
            Set.of(TlsOptions.CERTIFICATES, TlsOptions.VERIFY_PEER, TlsOptions.HOSTNAME, SharedSecret.FILE_PARAMETER);
    private static final String[] PARAMETERS = Stream.concat(
                    Stream.of(SocketOptions.TCP_PARAMETERS),
                    TLS_PARAMETERS.stream().sorted())
            .toArray(String[]::new);

    private final Locator defaults;
    private final SocketTransport sockets;

    private TlsTransport(final Locator defaults, final SocketTransport sockets) {
        this.defaults = defaults;
        this.sockets = sockets;
    }

    /** Returns a transport for {@code tls:} addresses, whose parameters are those of {@code defaults}. */
    public static TlsTransport of(final Locator defaults) throws ReplicationException {
        return new TlsTransport(defaults, SocketTransport.of(tcp(defaults)));
    }

    @Override
    public Link connect(final Locator peer, final Duration timeout) throws IOException {
        final Deadline deadline = Deadline.in(timeout);
        final Tls tls = Tls.client(TlsOptions.of(merged(peer)));
        final String host = HostAndPort.of(peer).host();
        return tls.over(sockets.connect(tcp(peer), timeout), host.isEmpty() ? "localhost" : host, deadline.left());
    }

    @Override
    public Listener listen(final Locator local) throws IOException {
        final Tls tls = Tls.server(TlsOptions.of(merged(local)));
        final Listener below = sockets.listen(tcp(local));
        final Locator bound = Locator.parse("tls:" + below.local().text().substring("tcp:".length()));
        return new HandshakeListener(below, bound, link -> tls.over(link, "", HandshakeListener.PATIENCE));
    }

    private Locator merged(final Locator locator) {
        final Map<String, String> parameters = new LinkedHashMap<>(defaults.parameters());
        parameters.putAll(locator.parameters());
        return new Locator(locator.scheme(), locator.rest(), parameters, locator.text());
    }

    /** Returns the address below: what is left of the locator without TLS. Messages keep the text as it was written. */
    private static Locator tcp(final Locator locator) throws ReplicationException {
        if (!locator.scheme().equals("tls")) {
            throw ReplicationException.misuse("locator '" + locator + "': expected tls://HOST:PORT");
        }
        locator.allowOnly(PARAMETERS);
        final Map<String, String> parameters = new LinkedHashMap<>(locator.parameters());
        parameters.keySet().removeAll(TLS_PARAMETERS);
        return new Locator("tcp", locator.rest(), parameters, locator.text());
    }
}
