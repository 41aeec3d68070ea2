package io.replicate.core.net;

import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Provider;
import io.replicate.core.spi.Transport;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;

/** The transports of core. */
public final class NetProvider implements Provider {

    @Override
    public Set<String> schemes() {
        return Set.of("tcp", "unix", "tls", "stdio", "exec");
    }

    @Override
    public Optional<Transport> transport(final Locator locator) throws IOException {
        return Optional.of(
                switch (locator.scheme()) {
                    case "tls" -> TlsTransport.of(locator);
                    case "stdio" -> new StdioTransport();
                    case "exec" -> new ExecTransport();
                    default -> SocketTransport.of(locator);
                });
    }
}
