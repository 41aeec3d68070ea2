package io.replicate.ring.dolly;

import io.replicate.core.contract.FreePorts;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Nodes of ours in this process, each at an address of its own: name nI is 127.0.0.(I+1). */
final class DollyRing implements AutoCloseable {
    /** How long nodes wait for each other, unless a test wants to see the end of it. */
    static final Duration WAIT = Duration.ofSeconds(15);

    private static final long LONGEST_SECONDS = 60;

    final Path directory;
    final int dataPort;
    final int controlPort;
    final List<String> log = Collections.synchronizedList(new ArrayList<>());
    private final List<AutoCloseable> nodes = new ArrayList<>();

    DollyRing(final Path directory) throws IOException {
        this.directory = directory;
        this.dataPort = FreePorts.next();
        this.controlPort = FreePorts.next();
    }

    static String address(final int node) {
        return "127.0.0." + (node + 1);
    }

    static String address(final String name) {
        if (name.startsWith("127.")) {
            return name;
        }
        return address(Integer.parseInt(name.replaceAll("\\D+", "")));
    }

    DollyOptions.Builder options() {
        return DollyOptions.builder()
                .ports(dataPort, controlPort)
                .environment(Map.of())
                .resolver(DollyRing::address)
                .waits(WAIT, WAIT, WAIT)
                .waitForServer(Duration.ofSeconds(30))
                .listener(new DollyListener() {
                    @Override
                    public void verbose(final String line) {
                        log.add(line);
                    }

                    @Override
                    public void warning(final String line) {
                        log.add("! " + line);
                    }
                });
    }

    /** A client of ours. */
    CompletableFuture<DollyReport> client(final int node) throws IOException {
        return client(node, options());
    }

    CompletableFuture<DollyReport> client(final int node, final DollyOptions.Builder options) throws IOException {
        return client("n" + node, node, options);
    }

    CompletableFuture<DollyReport> client(final String name, final int node, final DollyOptions.Builder options)
            throws IOException {
        final DollyClient client = DollyClient.open(options.bind(address(node))
                .pin(target(node).toString())
                .environment(Map.of("MYNODENAME", name))
                .build());
        nodes.add(client);
        return async(() -> {
            try (client) {
                return client.run();
            }
        });
    }

    CompletableFuture<DollyReport> server(final DollyConfig config, final DollyOptions.Builder options)
            throws IOException {
        final DollyServer server = DollyServer.of(config, options.build());
        nodes.add(server);
        return async(server::run);
    }

    interface Run<T> {
        T run() throws Exception;
    }

    static <T> CompletableFuture<T> async(final Run<T> run) {
        final CompletableFuture<T> future = new CompletableFuture<>();
        Threads.start("test-node", () -> {
            try {
                future.complete(run.run());
            } catch (final Throwable e) {
                future.completeExceptionally(e);
            }
        });
        return future;
    }

    /** Returns the result, or throws the failure itself. */
    static <T> T get(final CompletableFuture<T> future) throws Exception {
        try {
            return future.get(LONGEST_SECONDS, TimeUnit.SECONDS);
        } catch (final ExecutionException e) {
            if (e.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw e;
        } catch (final TimeoutException e) {
            throw new AssertionError("still running after " + LONGEST_SECONDS + " s", e);
        }
    }

    /** Returns what is wrong: why it failed, or who is reported as failed. */
    static String wrong(final CompletableFuture<DollyReport> future) throws Exception {
        final DollyReport report;
        try {
            report = get(future);
        } catch (final IOException e) {
            return String.valueOf(e.getMessage());
        }
        if (report.ok()) {
            throw new AssertionError("nothing is wrong: " + report);
        }
        return report.nodes().toString();
    }

    /** Returns why it failed. */
    static String failureOf(final CompletableFuture<?> future) {
        try {
            get(future);
        } catch (final Exception e) {
            return String.valueOf(e.getMessage());
        }
        throw new AssertionError("it did not fail");
    }

    Path file(final String name, final byte[] content) throws IOException {
        return Files.write(directory.resolve(name), content);
    }

    Path target(final int node) {
        return directory.resolve("out" + node);
    }

    /** Returns bytes of which no two blocks are alike. */
    static byte[] content(final int length) {
        final byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return bytes;
    }

    static List<String> names(final int count) {
        final List<String> names = new ArrayList<>();
        for (int i = 1; i <= count; i++) {
            names.add("n" + i);
        }
        return names;
    }

    Socket connect(final int node, final int port) throws IOException {
        final Socket socket = new Socket();
        socket.setReuseAddress(true);
        socket.connect(new InetSocketAddress(InetAddress.getByName(address(node)), port), 10_000);
        socket.setSoTimeout(20_000);
        socket.setTcpNoDelay(true);
        return socket;
    }

    @Override
    public void close() throws Exception {
        for (final AutoCloseable node : nodes) {
            node.close();
        }
    }
}
