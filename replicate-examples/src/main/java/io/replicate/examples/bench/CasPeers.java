package io.replicate.examples.bench;

import io.replicate.cas.testing.StoreProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Processes at the other end of the copier's sockets, so that only the copier's own processor time is measured. */
final class CasPeers implements AutoCloseable {
    private static final int PIECE_BYTES = 1 << 20;
    private static final long LAST_SECONDS = 10;

    private final Process process;
    private final String greeting;

    private CasPeers(final Process process, final String greeting) {
        this.process = process;
        this.greeting = greeting;
    }

    /** Starts stores; {@link #greeting()} is the list of services. */
    static CasPeers stores(final String... args) throws IOException {
        return start(StoreProcess.class.getName(), List.of("-Xmx2g", "-XX:MaxDirectMemorySize=2g"), args);
    }

    /** Starts a source of bytes without end, and a sink; {@link #greeting()} is their ports. */
    static CasPeers bare() throws IOException {
        return start(CasPeers.class.getName(), List.of());
    }

    private static CasPeers start(final String main, final List<String> options, final String... args)
            throws IOException {
        final List<String> command = new ArrayList<>(List.of(java()));
        command.addAll(options);
        command.addAll(List.of("-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path", ""), main));
        command.addAll(List.of(args));
        final Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        final BufferedReader out =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        final String greeting = out.readLine();
        if (greeting == null) {
            throw new IOException(main + " did not start");
        }
        return new CasPeers(process, greeting);
    }

    static String java() {
        return Path.of(System.getProperty("java.home", ""), "bin", "java").toString();
    }

    String greeting() {
        return greeting;
    }

    @Override
    public void close() throws IOException {
        process.getOutputStream().close();
        try {
            if (!process.waitFor(LAST_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (final InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    /** Serves bytes without end on one port and swallows them on another, until the standard input ends. */
    public static void main(final String[] args) throws IOException {
        final ServerSocketChannel source = listen();
        final ServerSocketChannel sink = listen();
        serve(source, channel -> {
            final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
            while (channel.isOpen()) {
                piece.clear();
                channel.write(piece);
            }
        });
        serve(sink, channel -> {
            final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
            while (channel.read(piece) >= 0) {
                piece.clear();
            }
        });
        System.out.println(port(source) + " " + port(sink));
        while (System.in.read() >= 0) {
            // The end of whoever started this is ours.
        }
        System.exit(0);
    }

    private static ServerSocketChannel listen() throws IOException {
        return ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    private static int port(final ServerSocketChannel channel) throws IOException {
        return ((InetSocketAddress) channel.getLocalAddress()).getPort();
    }

    private interface Service {
        void run(SocketChannel channel) throws IOException;
    }

    private static void serve(final ServerSocketChannel listener, final Service service) {
        daemon(() -> {
            while (listener.isOpen()) {
                final SocketChannel channel = listener.accept();
                daemon(() -> {
                    try (channel) {
                        service.run(channel);
                    }
                });
            }
        });
    }

    private interface Body {
        void run() throws IOException;
    }

    private static void daemon(final Body body) {
        final Thread thread = new Thread(() -> {
            try {
                body.run();
            } catch (final IOException e) {
                // The other end has gone: it has measured what it wanted.
                return;
            }
        });
        thread.setDaemon(true);
        thread.start();
    }
}
