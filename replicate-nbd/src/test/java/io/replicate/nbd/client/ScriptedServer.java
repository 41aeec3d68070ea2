package io.replicate.nbd.client;

import io.replicate.core.spi.Locator;
import io.replicate.nbd.protocol.Nbd;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** A server that says exactly what a test tells it to, byte by byte: one script for each connection, the last for all after. */
final class ScriptedServer implements AutoCloseable {
    /** The size of the export in bytes. */
    static final int SIZE = 1 << 20;

    static final int FLAGS = Nbd.FLAG_HAS_FLAGS
            | Nbd.FLAG_SEND_FLUSH
            | Nbd.FLAG_SEND_FUA
            | Nbd.FLAG_SEND_TRIM
            | Nbd.FLAG_SEND_WRITE_ZEROES
            | Nbd.FLAG_SEND_FAST_ZERO;
    /** The id of base:allocation. */
    static final int CONTEXT = 7;

    /** What is said to one client. An exception ends the connection. */
    interface Script {
        void run(Peer peer) throws IOException;
    }

    private final ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    private final List<Socket> sockets = new CopyOnWriteArrayList<>();
    final AtomicInteger connections = new AtomicInteger();

    ScriptedServer(Script... scripts) throws IOException {
        daemon(() -> {
            while (true) {
                final Socket socket = listener.accept();
                sockets.add(socket);
                final Script script = scripts[Math.min(connections.getAndIncrement(), scripts.length - 1)];
                daemon(() -> {
                    try (socket) {
                        script.run(new Peer(socket));
                    }
                });
            }
        });
    }

    private interface Task {
        void run() throws IOException;
    }

    private static void daemon(Task task) {
        final Thread thread = new Thread(
                () -> {
                    try {
                        task.run();
                    } catch (final IOException e) {
                        // the client, or the end of the test, closed a socket
                    }
                },
                "scripted-server");
        thread.setDaemon(true);
        thread.start();
    }

    NbdAddress address(String more) throws IOException {
        return NbdAddress.of(Locator.parse("nbd://127.0.0.1:" + listener.getLocalPort() + "/" + more));
    }

    NbdVolume open(String more) throws IOException {
        return NbdVolume.open(address(more));
    }

    @Override
    public void close() throws IOException {
        listener.close();
        for (final Socket socket : sockets) {
            socket.close();
        }
    }

    /** How replies are framed. */
    enum Headers {
        SIMPLE,
        STRUCTURED,
        EXTENDED
    }

    /** A request as it came, without the payload. */
    record Request(int flags, int type, long cookie, long offset, long length) {}

    /** The server's end of one connection. */
    static final class Peer {
        final DataInputStream in;
        final DataOutputStream out;
        private Headers headers = Headers.SIMPLE;

        Peer(Socket socket) throws IOException {
            socket.setTcpNoDelay(true);
            in = new DataInputStream(socket.getInputStream());
            out = new DataOutputStream(new BufferedOutputStream(socket.getOutputStream(), 1 << 16));
        }

        void greet() throws IOException {
            out.writeLong(Nbd.INIT_MAGIC);
            out.writeLong(Nbd.OPTION_MAGIC);
            out.writeShort(3);
            out.flush();
            in.readInt();
        }

        /** Reads an option and returns it; its data is dropped. */
        int option() throws IOException {
            if (in.readLong() != Nbd.OPTION_MAGIC) {
                throw new IOException("no option");
            }
            final int option = in.readInt();
            in.readNBytes(in.readInt());
            return option;
        }

        void reply(int option, int type, byte... data) throws IOException {
            out.writeLong(Nbd.OPTION_REPLY_MAGIC);
            out.writeInt(option);
            out.writeInt(type);
            out.writeInt(data.length);
            out.write(data);
            out.flush();
        }

        /** Haggles like a well-behaved server, up to the transmission phase. */
        Peer enter(Headers most, long size, int flags, int minBlock) throws IOException {
            greet();
            while (true) {
                final int option = option();
                switch (option) {
                    case Nbd.OPT_EXTENDED_HEADERS -> agree(option, Headers.EXTENDED, most);
                    case Nbd.OPT_STRUCTURED_REPLY -> agree(option, Headers.STRUCTURED, most);
                    case Nbd.OPT_SET_META_CONTEXT -> {
                        reply(option, Nbd.REP_META_CONTEXT, context(CONTEXT, Nbd.BASE_ALLOCATION));
                        reply(option, Nbd.REP_ACK);
                    }
                    case Nbd.OPT_GO -> {
                        reply(option, Nbd.REP_INFO, info(size, flags));
                        reply(option, Nbd.REP_INFO, blockSize(minBlock));
                        reply(option, Nbd.REP_ACK);
                        return this;
                    }
                    default -> reply(option, Nbd.REP_ERR_UNSUP);
                }
            }
        }

        Peer enter(Headers most) throws IOException {
            return enter(most, SIZE, FLAGS, 1);
        }

        private void agree(int option, Headers wanted, Headers most) throws IOException {
            if (most.compareTo(wanted) < 0) {
                reply(option, Nbd.REP_ERR_UNSUP);
            } else {
                headers = wanted;
                reply(option, Nbd.REP_ACK);
            }
        }

        static byte[] context(int id, String name) {
            final byte[] text = name.getBytes(StandardCharsets.UTF_8);
            return java.nio.ByteBuffer.allocate(4 + text.length)
                    .putInt(id)
                    .put(text)
                    .array();
        }

        static byte[] info(long size, int flags) {
            return java.nio.ByteBuffer.allocate(12)
                    .putShort((short) Nbd.INFO_EXPORT)
                    .putLong(size)
                    .putShort((short) flags)
                    .array();
        }

        static byte[] blockSize(int min) {
            return java.nio.ByteBuffer.allocate(14)
                    .putShort((short) Nbd.INFO_BLOCK_SIZE)
                    .putInt(min)
                    .putInt(Math.max(min, 4096))
                    .putInt(32 << 20)
                    .array();
        }

        Request request() throws IOException {
            final boolean extended = headers == Headers.EXTENDED;
            if (in.readInt() != (extended ? Nbd.EXTENDED_REQUEST_MAGIC : Nbd.REQUEST_MAGIC)) {
                throw new IOException("no request");
            }
            final Request request = new Request(
                    in.readUnsignedShort(),
                    in.readUnsignedShort(),
                    in.readLong(),
                    in.readLong(),
                    extended ? in.readLong() : Integer.toUnsignedLong(in.readInt()));
            if (request.type == Nbd.CMD_WRITE) {
                in.readNBytes((int) request.length);
            }
            return request;
        }

        void simple(long cookie, int error, byte... data) throws IOException {
            out.writeInt(Nbd.SIMPLE_REPLY_MAGIC);
            out.writeInt(error);
            out.writeLong(cookie);
            out.write(data);
            out.flush();
        }

        /** Sends a chunk header that announces {@code length} bytes. */
        void chunkHeader(Request to, boolean done, int type, long length) throws IOException {
            final boolean extended = headers == Headers.EXTENDED;
            out.writeInt(extended ? Nbd.EXTENDED_REPLY_MAGIC : Nbd.STRUCTURED_REPLY_MAGIC);
            out.writeShort(done ? Nbd.REPLY_FLAG_DONE : 0);
            out.writeShort(type);
            out.writeLong(to.cookie);
            if (extended) {
                out.writeLong(to.offset);
                out.writeLong(length);
            } else {
                out.writeInt((int) length);
            }
            out.flush();
        }

        void chunk(Request to, boolean done, int type, byte... payload) throws IOException {
            chunkHeader(to, done, type, payload.length);
            out.write(payload);
            out.flush();
        }

        void data(Request to, boolean done, long offset, int length, int value) throws IOException {
            final byte[] payload = new byte[8 + length];
            java.util.Arrays.fill(payload, (byte) value);
            java.nio.ByteBuffer.wrap(payload).putLong(offset);
            chunk(to, done, Nbd.REPLY_OFFSET_DATA, payload);
        }

        void hole(Request to, boolean done, long offset, int length) throws IOException {
            chunk(
                    to,
                    done,
                    Nbd.REPLY_OFFSET_HOLE,
                    java.nio.ByteBuffer.allocate(12)
                            .putLong(offset)
                            .putInt(length)
                            .array());
        }

        void status(Request to, boolean done, int context, int... words) throws IOException {
            final java.nio.ByteBuffer payload =
                    java.nio.ByteBuffer.allocate(4 + 4 * words.length).putInt(context);
            for (final int word : words) {
                payload.putInt(word);
            }
            chunk(to, done, Nbd.REPLY_BLOCK_STATUS, payload.array());
        }

        void statusExt(Request to, int context, int count, long... words) throws IOException {
            final java.nio.ByteBuffer payload = java.nio.ByteBuffer.allocate(8 + 8 * words.length)
                    .putInt(context)
                    .putInt(count);
            for (final long word : words) {
                payload.putLong(word);
            }
            chunk(to, true, Nbd.REPLY_BLOCK_STATUS_EXT, payload.array());
        }

        /** Waits for the client to end the connection. */
        void drain() throws IOException {
            while (in.read() >= 0) {
                // whatever it says
            }
        }
    }
}
