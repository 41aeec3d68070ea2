package io.replicate.core.net;

import io.replicate.core.contract.TransportContract;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.Transport;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

class TlsTransportTest extends TransportContract {

    @TempDir
    static Path certificates;

    @BeforeAll
    static void issue() throws Exception {
        new TestCertificates().write(certificates);
    }

    @Override
    protected Transport newServer() throws Exception {
        return Providers.transport(Locator.parse("tls://:0?certificates=" + certificates));
    }

    @Override
    protected Transport newClient() throws Exception {
        return newServer();
    }

    @Override
    protected Locator listenAddress() throws Exception {
        return Locator.parse("tls://127.0.0.1:0");
    }
}
