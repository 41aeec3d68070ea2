package io.replicate.examples.bench;

import io.replicate.cas.testing.DelayProxy;
import io.replicate.cas.testing.FakeApiServer;
import io.replicate.core.spi.Digest;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The least that can stand at the ends of a copier and of a {@link BareRelay}: neither checks nor keeps anything, so that
 * both are measured beside the same load. Keepstores that have equally large blocks in memory, keepstores that swallow what
 * they are given, a raw source and a raw sink. A process of its own; ends with its standard input.
 */
final class BareStores {
    private static final int PIECE_BYTES = 1 << 20;
    private static final int HEAD_BYTES = 8 << 10;
    private static final int NUMBER_BYTES = Long.BYTES;
    private static final String LENGTH = "\r\ncontent-length: ";

    private final ByteBuffer shared;
    private final Map<String, Long> numberByHash = new HashMap<>();
    private final ByteBuffer index;

    private BareStores(final int blockBytes, final int blocks) throws IOException {
        this.shared = ByteBuffer.allocateDirect(blockBytes - NUMBER_BYTES);
        // All blocks are the same but for the number at their end: the hash of the beginning is computed once.
        final MessageDigest beginning = Digest.Algorithm.MD5.newMessageDigest();
        beginning.update(shared.duplicate());
        final StringBuilder lines = new StringBuilder();
        for (int i = 0; i < blocks; i++) {
            final String hash = hash(beginning, i);
            numberByHash.put(hash, (long) i);
            lines.append(hash).append('+').append(blockBytes).append(" 1500000000000000000\n");
        }
        this.index = direct(lines.append('\n').toString());
    }

    private static String hash(final MessageDigest beginning, final long number) throws IOException {
        try {
            final MessageDigest whole = (MessageDigest) beginning.clone();
            whole.update(number(number));
            return HexFormat.of().formatHex(whole.digest());
        } catch (final CloneNotSupportedException e) {
            throw new IOException(e);
        }
    }

    private static ByteBuffer number(final long number) {
        return ByteBuffer.allocateDirect(NUMBER_BYTES).putLong(number).flip();
    }

    private static ByteBuffer direct(final String text) {
        final byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    }

    /**
     * Serves: {@code BYTES BLOCKS SOURCES SINKS DELAY_MS}. Prints one line: the list of the services that have the blocks, a
     * tab, that of the sinks, a tab, and the ports of the raw source and the raw sink. All but the raw ones answer later by
     * twice the delay.
     */
    public static void main(final String[] args) throws IOException {
        final BareStores stores = new BareStores(Integer.parseInt(args[0]), Integer.parseInt(args[1]));
        final int sources = Integer.parseInt(args[2]);
        final int sinks = Integer.parseInt(args[3]);
        final Duration delay = Duration.ofMillis(Long.parseLong(args[4]));
        System.out.println(list(0, sources, stores::answerReads, delay) + "\t"
                + list(sources, sinks, BareStores::swallowWrites, delay) + "\t" + port(serve(BareStores::pour)) + " "
                + port(serve(BareStores::drain)));
        while (System.in.read() >= 0) {
            // The end of whoever started this is ours.
        }
        System.exit(0);
    }

    private static String list(final int first, final int count, final Service service, final Duration delay)
            throws IOException {
        final List<String> items = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            final int port = port(serve(service));
            items.add(FakeApiServer.service(
                    String.format(Locale.ROOT, "zbnch-bi6l4-%015d", first + i),
                    "127.0.0.1",
                    delay.isZero() ? port : new DelayProxy(port, delay).port(),
                    "disk",
                    false));
        }
        return FakeApiServer.list(items);
    }

    private void answerReads(final SocketChannel channel) throws IOException {
        final Head head = new Head(channel);
        while (head.next()) {
            final String path = head.path();
            final Long number = numberByHash.get(path.substring(1, Math.min(33, path.length())));
            if (number != null) {
                final int length = shared.capacity() + NUMBER_BYTES;
                send(channel, ok(length), shared.duplicate(), number(number));
            } else {
                send(channel, ok(index.capacity()), index.duplicate());
            }
        }
    }

    private static void swallowWrites(final SocketChannel channel) throws IOException {
        final Head head = new Head(channel);
        final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
        while (head.next()) {
            head.skipBody(piece);
            send(channel, direct("HTTP/1.1 200 OK\r\nX-Keep-Replicas-Stored: 1\r\nContent-Length: 1\r\n\r\n\n"));
        }
    }

    private static void pour(final SocketChannel channel) throws IOException {
        final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
        while (channel.isOpen()) {
            piece.clear();
            channel.write(piece);
        }
    }

    private static void drain(final SocketChannel channel) throws IOException {
        final ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
        while (channel.read(piece) >= 0) {
            piece.clear();
        }
    }

    private static ByteBuffer ok(final int length) {
        return direct("HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\n");
    }

    private static void send(final SocketChannel channel, final ByteBuffer... parts) throws IOException {
        while (parts[parts.length - 1].hasRemaining()) {
            channel.write(parts);
        }
    }

    /** Reads the heads of requests on one connection. */
    private static final class Head {
        private final SocketChannel channel;
        private final ByteBuffer bytes = ByteBuffer.allocate(HEAD_BYTES).limit(0);
        private String text = "";

        Head(final SocketChannel channel) {
            this.channel = channel;
        }

        /** Reads the next head; returns false when the client has gone. */
        boolean next() throws IOException {
            while (true) {
                final String seen =
                        new String(bytes.array(), bytes.position(), bytes.remaining(), StandardCharsets.ISO_8859_1);
                final int end = seen.indexOf("\r\n\r\n");
                if (end >= 0) {
                    text = seen.substring(0, end);
                    bytes.position(bytes.position() + end + 4);
                    return true;
                }
                bytes.compact();
                final int count = bytes.hasRemaining() ? channel.read(bytes) : -1;
                bytes.flip();
                if (count < 0) {
                    return false;
                }
            }
        }

        String path() {
            return text.split(" ", 3)[1];
        }

        void skipBody(final ByteBuffer scratch) throws IOException {
            final int at = text.toLowerCase(Locale.ROOT).indexOf(LENGTH);
            long left = at < 0
                    ? 0
                    : Long.parseLong(text.substring(at + LENGTH.length())
                            .lines()
                            .findFirst()
                            .orElse("0")
                            .trim());
            final int seen = (int) Math.min(left, bytes.remaining());
            bytes.position(bytes.position() + seen);
            left -= seen;
            while (left > 0) {
                scratch.clear().limit((int) Math.min(scratch.capacity(), left));
                final int count = channel.read(scratch);
                if (count < 0) {
                    throw new EOFException();
                }
                left -= count;
            }
        }
    }

    private static int port(final ServerSocketChannel channel) throws IOException {
        return ((InetSocketAddress) channel.getLocalAddress()).getPort();
    }

    private interface Service {
        void run(SocketChannel channel) throws IOException;
    }

    private static ServerSocketChannel serve(final Service service) throws IOException {
        final ServerSocketChannel listener =
                ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
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
        return listener;
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
