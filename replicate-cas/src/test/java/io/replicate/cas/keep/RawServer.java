package io.replicate.cas.keep;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A server that sends what a test tells it to, byte for byte, with no HTTP of its own. */
final class RawServer implements Closeable {
    private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final Set<Socket> connections = ConcurrentHashMap.newKeySet();
    private final AtomicInteger requests = new AtomicInteger();
    private final Script script;

    /** What is done with each request; the connection is closed when it returns false or throws. */
    interface Script {
        boolean serve(Request request) throws IOException;
    }

    /** A request whose head has been read. */
    record Request(int number, String head, InputStream in, OutputStream out, Socket socket) {
        /** Reads the body to its end. */
        void takeBody() throws IOException {
            in.skipNBytes(bodyBytes());
        }

        long bodyBytes() {
            return head.lines()
                    .filter(line -> line.regionMatches(true, 0, "content-length:", 0, 15))
                    .mapToLong(line -> Long.parseLong(line.substring(15).trim()))
                    .findFirst()
                    .orElse(0);
        }

        void send(final String text) throws IOException {
            send(text.getBytes(StandardCharsets.ISO_8859_1));
        }

        void send(final byte[] bytes) throws IOException {
            out.write(bytes);
            out.flush();
        }

        /** Sends each byte by itself. */
        void trickle(final byte[] bytes) throws IOException {
            for (final byte one : bytes) {
                out.write(one);
                out.flush();
            }
        }

        /** Makes the close that follows a reset. */
        boolean reset() throws IOException {
            socket.setSoLinger(true, 0);
            return false;
        }

        /** Waits until the client goes. */
        boolean stall() throws IOException {
            while (in.read() >= 0) {
                // Nothing that it says is answered.
            }
            return false;
        }
    }

    RawServer(final Script script) throws IOException {
        this.script = script;
        start(this::accept);
    }

    private static void start(final Runnable work) {
        final Thread thread = new Thread(work, "raw-server");
        thread.setDaemon(true);
        thread.start();
    }

    String url() {
        return "http://127.0.0.1:" + listener.getLocalPort();
    }

    /** Returns how many requests have come. */
    int requests() {
        return requests.get();
    }

    private void accept() {
        try {
            while (true) {
                final Socket connection = listener.accept();
                connection.setTcpNoDelay(true);
                connections.add(connection);
                start(() -> serve(connection));
            }
        } catch (final IOException e) {
            // Closed: the test is over.
        }
    }

    private void serve(final Socket connection) {
        try (connection) {
            final InputStream in = connection.getInputStream();
            final OutputStream out = connection.getOutputStream();
            for (String head = head(in); !head.isEmpty(); head = head(in)) {
                if (!script.serve(new Request(requests.incrementAndGet(), head, in, out, connection))) {
                    return;
                }
            }
        } catch (final IOException e) {
            // The client went: what it makes of that is what is tested.
        }
    }

    /** Returns the head of the next request, empty behind the last. */
    private static String head(final InputStream in) throws IOException {
        final StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            final int next = in.read();
            if (next < 0) {
                return "";
            }
            head.append((char) next);
        }
        return head.toString();
    }

    @Override
    public void close() throws IOException {
        listener.close();
        for (final Socket connection : connections) {
            connection.close();
        }
    }
}
