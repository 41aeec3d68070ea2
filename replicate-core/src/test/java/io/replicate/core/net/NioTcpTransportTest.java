package io.replicate.core.net;

import io.replicate.core.contract.TransportContract;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.Transport;

class NioTcpTransportTest extends TransportContract {

    @Override
    protected Transport newServer() throws Exception {
        return Providers.transport(Locator.parse("tcp://:0?native=false"));
    }

    @Override
    protected Transport newClient() throws Exception {
        return newServer();
    }

    @Override
    protected Locator listenAddress() throws Exception {
        return Locator.parse("tcp://127.0.0.1:0");
    }
}
