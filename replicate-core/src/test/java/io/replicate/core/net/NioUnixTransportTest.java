package io.replicate.core.net;

import io.replicate.core.contract.TransportContract;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.Transport;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.io.TempDir;

class NioUnixTransportTest extends TransportContract {
    private final AtomicInteger number = new AtomicInteger();

    @TempDir
    Path directory;

    @Override
    protected Transport newServer() throws Exception {
        return Providers.transport(Locator.parse("unix:?native=false"));
    }

    @Override
    protected Transport newClient() throws Exception {
        return newServer();
    }

    @Override
    protected Locator listenAddress() throws Exception {
        return Locator.parse("unix:" + directory.resolve("s" + number.incrementAndGet()));
    }
}
