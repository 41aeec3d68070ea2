package io.replicate.ring.dolly;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/**
 * One side of dolly's conversation, made of sockets and bytes only: it shares no code with what it tests. All numbers are
 * little-endian.
 */
final class RawPeer implements AutoCloseable {
    private static final int TIMEOUT_MS = 30_000;

    Socket control = new Socket();
    Socket data = new Socket();
    private final boolean slowly;

    /** @param slowly whether every byte is written, and sent, for itself. */
    RawPeer(final boolean slowly) {
        this.slowly = slowly;
    }

    static Socket connect(final String address, final int port) throws IOException {
        final long until = System.nanoTime() + TIMEOUT_MS * 1_000_000L;
        while (true) {
            final Socket socket = new Socket();
            try {
                socket.connect(new InetSocketAddress(InetAddress.getByName(address), port), TIMEOUT_MS);
                socket.setSoTimeout(TIMEOUT_MS);
                socket.setTcpNoDelay(true);
                return socket;
            } catch (final IOException e) {
                socket.close();
                if (System.nanoTime() > until) {
                    throw e;
                }
            }
        }
    }

    static ServerSocket listen(final String address, final int port) throws IOException {
        final ServerSocket socket = new ServerSocket();
        socket.setReuseAddress(true);
        socket.bind(new InetSocketAddress(InetAddress.getByName(address), port), 1);
        socket.setSoTimeout(TIMEOUT_MS);
        return socket;
    }

    static Socket accept(final ServerSocket listener) throws IOException {
        final Socket socket = listener.accept();
        socket.setSoTimeout(TIMEOUT_MS);
        socket.setTcpNoDelay(true);
        return socket;
    }

    /** As a parent: the data connection first, as the real one does. */
    RawPeer connectTo(final String address, final int dataPort, final int controlPort) throws IOException {
        data = connect(address, dataPort);
        control = connect(address, controlPort);
        return this;
    }

    void write(final Socket to, final byte[] bytes) throws IOException {
        if (!slowly) {
            to.getOutputStream().write(bytes);
            return;
        }
        for (final byte each : bytes) {
            to.getOutputStream().write(each);
            to.getOutputStream().flush();
        }
    }

    void say(final byte[] bytes) throws IOException {
        write(control, bytes);
    }

    void say(final String text) throws IOException {
        say(text.getBytes(StandardCharsets.UTF_8));
    }

    static byte[] number(final long value, final int bytes) {
        final byte[] number = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            number[i] = (byte) (value >>> (8 * i));
        }
        return number;
    }

    static long number(final byte[] bytes) {
        long value = 0;
        for (int i = bytes.length - 1; i >= 0; i--) {
            value = value << 8 | bytes[i] & 0xFF;
        }
        return value;
    }

    static byte[] exactly(final Socket from, final int count) throws IOException {
        final byte[] bytes = new byte[count];
        int n = 0;
        while (n < count) {
            final int more = from.getInputStream().read(bytes, n, count - n);
            if (more < 0) {
                throw new EOFException("after " + n + " bytes of " + count);
            }
            n += more;
        }
        return bytes;
    }

    static byte[] toEnd(final Socket from) throws IOException {
        return from.getInputStream().readAllBytes();
    }

    /** Reads a line; what a node of ours announces behind it is left out. */
    String line() throws IOException {
        final String line = rawLine();
        final int announcement = line.indexOf(" [replicate ");
        return announcement < 0 ? line : line.substring(0, announcement);
    }

    String rawLine() throws IOException {
        final ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int b = control.getInputStream().read();
                b != '\n';
                b = control.getInputStream().read()) {
            if (b < 0) {
                throw new EOFException("after '" + line + "'");
            }
            line.write(b);
        }
        return line.toString(StandardCharsets.UTF_8);
    }

    /** Reads the configuration: up to endconfig, with the space behind one of 1448 bytes. */
    byte[] config() throws IOException {
        final ByteArrayOutputStream text = new ByteArrayOutputStream();
        final InputStream in = control.getInputStream();
        while (!text.toString(StandardCharsets.UTF_8).endsWith("\nendconfig\n")) {
            final int b = in.read();
            if (b < 0) {
                throw new EOFException("after " + text);
            }
            text.write(b);
        }
        if (text.size() == 1448) {
            text.write(in.read());
        }
        return text.toByteArray();
    }

    static byte[] sha256(final byte[]... parts) throws Exception {
        final MessageDigest sha = MessageDigest.getInstance("SHA-256");
        for (final byte[] part : parts) {
            sha.update(part);
        }
        return sha.digest();
    }

    static byte[] answer(final String password, final byte[] nonce) throws Exception {
        return sha256(sha256(password.getBytes(StandardCharsets.UTF_8)), nonce);
    }

    static String classicConfig(final String... hosts) {
        return "infile /in\noutfile /out\nserver s\nfirstclient " + hosts[0] + "\nlastclient "
                + hosts[hosts.length - 1] + "\nclients " + hosts.length + "\n" + String.join("\n", hosts)
                + "\nendconfig\n";
    }

    static String modernConfig(final String... hosts) {
        return "infile /in\noutfile /out\n" + String.join("\n", hosts) + "\nendconfig\n";
    }

    static String config(final Dialect dialect, final String... hosts) {
        return dialect == Dialect.CLASSIC ? classicConfig(hosts) : modernConfig(hosts);
    }

    static String configured(final Dialect dialect, final String name) {
        return dialect == Dialect.CLASSIC
                ? "Host got parameters '" + name + "'."
                : "Client " + name + " configured with parameters. Ready to proceed.";
    }

    static String ready(final Dialect dialect, final String name) {
        return dialect == Dialect.CLASSIC ? "Host ready '" + name + "'." : "Client " + name + " ready.";
    }

    @Override
    public void close() throws IOException {
        control.close();
        data.close();
    }
}
