package io.replicate.examples.embedding;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.replicate.core.contract.SourceContract;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Source;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Arrays;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;

/** The backend of docs/embedding.md keeps the contract of every source. */
class HttpSourceContractTest extends SourceContract {
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private HttpServer server;

    @Override
    protected Source<Extent> newSource(final byte[] content) throws Exception {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/disk.img", exchange -> answer(exchange, content));
        server.start();
        return new HttpSource(
                URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/disk.img"));
    }

    private static void answer(final HttpExchange exchange, final byte[] content) throws IOException {
        try (exchange) {
            if (exchange.getRequestMethod().equals("HEAD")) {
                exchange.getResponseHeaders().set("Content-Length", Integer.toString(content.length));
                exchange.sendResponseHeaders(200, -1);
                return;
            }
            final String[] range = exchange.getRequestHeaders()
                    .getFirst("Range")
                    .substring("bytes=".length())
                    .split("-");
            final byte[] part = Arrays.copyOfRange(content, Integer.parseInt(range[0]), Integer.parseInt(range[1]) + 1);
            exchange.sendResponseHeaders(206, part.length);
            exchange.getResponseBody().write(part);
        }
    }

    @AfterEach
    void stopServer() {
        server.stop(0);
        threads.shutdownNow();
    }
}
