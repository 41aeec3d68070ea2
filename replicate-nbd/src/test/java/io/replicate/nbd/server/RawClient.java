package io.replicate.nbd.server;

import io.replicate.nbd.protocol.Nbd;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A client that says exactly what a test tells it to, byte by byte. */
final class RawClient implements AutoCloseable {
    final Socket socket;
    final DataInputStream in;
    final DataOutputStream out;

    RawClient(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setSoTimeout(20_000);
        socket.setTcpNoDelay(true);
        in = new DataInputStream(socket.getInputStream());
        out = new DataOutputStream(new java.io.BufferedOutputStream(socket.getOutputStream(), 1 << 16));
    }

    /** One option reply. */
    record Reply(int option, int type, byte[] data) {
        String text() {
            return new String(data, StandardCharsets.UTF_8);
        }
    }

    RawClient greet(int clientFlags) throws IOException {
        if (in.readLong() != Nbd.INIT_MAGIC || in.readLong() != Nbd.OPTION_MAGIC || in.readUnsignedShort() != 3) {
            throw new IOException("not a newstyle greeting");
        }
        out.writeInt(clientFlags);
        out.flush();
        return this;
    }

    RawClient greet() throws IOException {
        return greet(3);
    }

    void option(int option, byte[] data) throws IOException {
        out.writeLong(Nbd.OPTION_MAGIC);
        out.writeInt(option);
        out.writeInt(data.length);
        out.write(data);
        out.flush();
    }

    Reply reply() throws IOException {
        if (in.readLong() != Nbd.OPTION_REPLY_MAGIC) {
            throw new IOException("not an option reply");
        }
        final int option = in.readInt();
        final int type = in.readInt();
        return new Reply(option, type, in.readNBytes(in.readInt()));
    }

    Reply ask(int option, byte... data) throws IOException {
        option(option, data);
        return reply();
    }

    static byte[] info(String name, int... infos) throws IOException {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        final DataOutputStream data = new DataOutputStream(bytes);
        final byte[] text = name.getBytes(StandardCharsets.UTF_8);
        data.writeInt(text.length);
        data.write(text);
        data.writeShort(infos.length);
        for (final int info : infos) {
            data.writeShort(info);
        }
        return bytes.toByteArray();
    }

    static byte[] contexts(String name, String... queries) throws IOException {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        final DataOutputStream data = new DataOutputStream(bytes);
        data.writeInt(name.length());
        data.writeBytes(name);
        data.writeInt(queries.length);
        for (final String query : queries) {
            data.writeInt(query.length());
            data.writeBytes(query);
        }
        return bytes.toByteArray();
    }

    /** Opens an export and returns its transmission flags. */
    int go(String name) throws IOException {
        option(Nbd.OPT_GO, info(name, Nbd.INFO_BLOCK_SIZE));
        int flags = -1;
        for (Reply reply = reply(); reply.type != Nbd.REP_ACK; reply = reply()) {
            if (reply.type != Nbd.REP_INFO) {
                throw new IOException("GO: " + Integer.toHexString(reply.type) + " " + reply.text());
            }
            if (reply.data[1] == Nbd.INFO_EXPORT) {
                flags = (reply.data[10] & 0xff) << 8 | reply.data[11] & 0xff;
            }
        }
        return flags;
    }

    RawClient simple(String name) throws IOException {
        greet().go(name);
        return this;
    }

    RawClient structured(String name) throws IOException {
        greet();
        ask(Nbd.OPT_STRUCTURED_REPLY);
        go(name);
        return this;
    }

    void request(int flags, int type, long cookie, long offset, long length, byte... payload) throws IOException {
        out.writeInt(Nbd.REQUEST_MAGIC);
        out.writeShort(flags);
        out.writeShort(type);
        out.writeLong(cookie);
        out.writeLong(offset);
        out.writeInt((int) length);
        out.write(payload);
        out.flush();
    }

    void extended(int flags, int type, long cookie, long offset, long length, byte... payload) throws IOException {
        out.writeInt(Nbd.EXTENDED_REQUEST_MAGIC);
        out.writeShort(flags);
        out.writeShort(type);
        out.writeLong(cookie);
        out.writeLong(offset);
        out.writeLong(length);
        out.write(payload);
        out.flush();
    }

    /** Reads a simple reply header and returns its error. */
    int simpleReply(long cookie) throws IOException {
        final int magic = in.readInt();
        final int error = in.readInt();
        final long got = in.readLong();
        if (magic != Nbd.SIMPLE_REPLY_MAGIC || got != cookie) {
            throw new IOException("reply " + Integer.toHexString(magic) + " to " + got);
        }
        return error;
    }

    /** A chunk of a structured or extended reply. */
    record Chunk(int flags, int type, long cookie, long offset, byte[] payload) {
        boolean done() {
            return (flags & Nbd.REPLY_FLAG_DONE) != 0;
        }

        int error() {
            return java.nio.ByteBuffer.wrap(payload).getInt();
        }

        java.nio.ByteBuffer data() {
            return java.nio.ByteBuffer.wrap(payload);
        }
    }

    Chunk chunk() throws IOException {
        final int magic = in.readInt();
        final boolean extended = magic == Nbd.EXTENDED_REPLY_MAGIC;
        if (!extended && magic != Nbd.STRUCTURED_REPLY_MAGIC) {
            throw new IOException("no chunk but " + Integer.toHexString(magic));
        }
        final int flags = in.readUnsignedShort();
        final int type = in.readUnsignedShort();
        final long cookie = in.readLong();
        final long offset = extended ? in.readLong() : -1;
        final long length = extended ? in.readLong() : Integer.toUnsignedLong(in.readInt());
        return new Chunk(flags, type, cookie, offset, in.readNBytes((int) length));
    }

    /** Returns whether the server has ended the connection. */
    boolean atEnd() throws IOException {
        try {
            return in.read() < 0;
        } catch (final java.net.SocketException e) {
            return true; // reset: as good an end
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
