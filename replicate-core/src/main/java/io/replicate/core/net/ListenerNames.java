package io.replicate.core.net;

import io.replicate.core.spi.Locator;
import java.io.IOException;
import java.net.InetSocketAddress;

/** The name of a listener as it is bound. */
final class ListenerNames {

    private ListenerNames() {}

    interface BoundAddress {
        InetSocketAddress get() throws IOException;
    }

    /**
     * Returns {@code asked} with the true port, and without parameters: those are of this side. The host stays as it was
     * asked for, because a name may be what a certificate is checked against.
     */
    static Locator bound(final Locator asked, final BoundAddress address) throws IOException {
        if (asked.scheme().equals("unix")) {
            return Locator.parse("unix:" + asked.rest().replace("%", "%25").replace("?", "%3F"));
        }
        final HostAndPort name =
                new HostAndPort(HostAndPort.of(asked).host(), address.get().getPort());
        return Locator.parse(asked.scheme() + "://" + name.toString().replace("%", "%25"));
    }
}
