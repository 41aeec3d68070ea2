package io.replicate.nbd.client;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.replicate.core.spi.ReplicationException;
import io.replicate.nbd.protocol.Nbd;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The client's side of a handshake with any server: oldstyle, newstyle, fixed; each feature is asked for, and done
 * without where the server has none. Used by one thread.
 */
final class ClientHandshake {
    private static final int MAX_REPLY = 64 << 10;
    private static final int MAX_REPLIES = 1 << 16;
    private static final int MAX_INFOS = 256;
    /** More than this in all is an answer that never ends. */
    private static final int MAX_HAGGLING = 16 << 20;

    /** Makes all that follows TLS. */
    interface TlsStarter {
        void start() throws IOException;
    }

    private final HandshakeStream stream;
    private final NbdAddress address;
    private final TlsStarter tls;

    private String protocol = "";
    private int serverFlags;
    private boolean structured;
    private boolean extended;
    private boolean tlsOn;
    private int haggled;

    // what the answer to GO said
    private String name = "";
    private String description = "";
    private long size = -1;
    private boolean sizeTold;
    private int flags;
    private int minBlock = 1;
    private int preferredBlock = 4096;
    private int maxPayload = Nbd.DEFAULT_MAX_PAYLOAD;

    ClientHandshake(HandshakeStream stream, NbdAddress address, TlsStarter tls) {
        this.stream = stream;
        this.address = address;
        this.tls = tls;
    }

    /** A reply to an option. */
    private record Reply(int type, ByteBuf data) implements AutoCloseable {
        boolean isError() {
            return (type & Nbd.REP_ERROR_BIT) != 0;
        }

        String text() {
            return data.toString(StandardCharsets.UTF_8);
        }

        @Override
        public void close() {
            data.release();
        }
    }

    /** Reads the greeting and agrees on TLS and reply headers; returns whether options can be haggled over. */
    boolean begin() throws IOException {
        if (stream.readLong() != Nbd.INIT_MAGIC) {
            throw ReplicationException.fail(address.server() + " is no NBD server", null);
        }
        final long magic = stream.readLong();
        if (magic == Nbd.OLDSTYLE_MAGIC) {
            oldstyle();
            return false;
        }
        if (magic != Nbd.OPTION_MAGIC) {
            throw ReplicationException.fail(address.server() + " is no NBD server", null);
        }
        serverFlags = stream.readShort();
        stream.write(stream.buffer().writeInt(serverFlags & (Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES)));
        if ((serverFlags & Nbd.FLAG_FIXED_NEWSTYLE) == 0) {
            protocol = "newstyle";
            requirePlain();
            return false;
        }
        protocol = "newstyle-fixed";
        if (address.tls()) {
            startTls();
        }
        extended = ask(Nbd.OPT_EXTENDED_HEADERS);
        structured = extended || ask(Nbd.OPT_STRUCTURED_REPLY);
        return true;
    }

    private void requirePlain() throws ReplicationException {
        if (address.tls()) {
            throw ReplicationException.fail(address.server() + ": the server is too old for TLS", null);
        }
    }

    private void oldstyle() throws IOException {
        protocol = ExportInfo.OLDSTYLE;
        requirePlain();
        if (!address.export().isEmpty()) {
            throw ReplicationException.misuse(
                    address + ": an oldstyle server has one export, without a name: leave the name out");
        }
        size = stream.readLong();
        flags = stream.readInt() & 0xffff;
        stream.read(Nbd.RESERVED_ZEROES).release();
    }

    private void startTls() throws IOException {
        if (!ask(Nbd.OPT_STARTTLS)) {
            throw ReplicationException.fail(address.server() + ": the server does not speak TLS", null);
        }
        if (stream.hasMore()) {
            throw ReplicationException.fail(
                    address.server() + ": plaintext behind the answer to STARTTLS: somebody is in the middle", null);
        }
        tls.start();
        tlsOn = true;
    }

    /** Sends an option without data and returns whether the server agreed. */
    private boolean ask(int option) throws IOException {
        send(option, stream.buffer());
        try (Reply reply = receive(option)) {
            if (reply.type() == Nbd.REP_ERR_TLS_REQD) {
                throw tlsRequired();
            }
            if (reply.type() == Nbd.REP_ERR_SHUTDOWN) {
                throw refused(option, reply);
            }
            return reply.type() == Nbd.REP_ACK;
        }
    }

    private ReplicationException tlsRequired() {
        return ReplicationException.misuse(address.server() + ": the server insists on TLS: use nbds"
                + (address.socket() == null ? "" : "+unix") + ":");
    }

    private ReplicationException refused(int option, Reply reply) {
        final String text = reply.text();
        final String what = address + ": " + Nbd.optionName(option) + " was refused: "
                + (text.isEmpty() ? Nbd.refusal(reply.type()) : text);
        return reply.type() == Nbd.REP_ERR_SHUTDOWN
                ? ReplicationException.retry(what, null)
                : ReplicationException.misuse(what);
    }

    private void send(int option, ByteBuf data) {
        final ByteBuf out = stream.buffer();
        out.writeLong(Nbd.OPTION_MAGIC)
                .writeInt(option)
                .writeInt(data.readableBytes())
                .writeBytes(data);
        data.release();
        stream.write(out);
    }

    private Reply receive(int option) throws IOException {
        if (stream.readLong() != Nbd.OPTION_REPLY_MAGIC || stream.readInt() != option) {
            throw ReplicationException.fail(address.server() + ": a reply that is none to our option", null);
        }
        final int type = stream.readInt();
        final int length = stream.readInt();
        if (length < 0 || length > MAX_REPLY) {
            throw ReplicationException.fail(
                    address.server() + ": an option reply of " + Integer.toUnsignedString(length) + " bytes", null);
        }
        haggled += length;
        if (haggled > MAX_HAGGLING) {
            throw ReplicationException.fail(
                    address.server() + ": an answer to " + Nbd.optionName(option) + " without end", null);
        }
        return new Reply(type, stream.read(length));
    }

    /** Returns the names and descriptions of the server's exports. */
    Map<String, String> list() throws IOException {
        send(Nbd.OPT_LIST, stream.buffer());
        final Map<String, String> exports = new LinkedHashMap<>();
        for (int i = 0; i < MAX_REPLIES; i++) {
            try (Reply reply = receive(Nbd.OPT_LIST)) {
                if (reply.type() == Nbd.REP_ACK) {
                    return exports;
                }
                if (reply.type() != Nbd.REP_SERVER || reply.data().readableBytes() < Integer.BYTES) {
                    throw reply.type() == Nbd.REP_ERR_TLS_REQD ? tlsRequired() : refused(Nbd.OPT_LIST, reply);
                }
                final long length = reply.data().readUnsignedInt();
                if (length > reply.data().readableBytes()) {
                    throw ReplicationException.fail(address.server() + ": a broken list of exports", null);
                }
                exports.put(text(reply.data(), (int) length), reply.text());
            }
        }
        throw ReplicationException.fail(address.server() + ": an endless list of exports", null);
    }

    private static String text(ByteBuf data, int length) {
        return data.readCharSequence(length, StandardCharsets.UTF_8).toString();
    }

    /** Asks for metadata contexts, or sets them; an empty list of queries asks for all. */
    List<ExportInfo.Context> contexts(int option, List<String> queries) throws IOException {
        final List<ExportInfo.Context> found = new ArrayList<>();
        if (!structured) {
            return found;
        }
        final ByteBuf data = counted(stream.buffer(), address.export()).writeInt(queries.size());
        queries.forEach(query -> counted(data, query));
        send(option, data);
        for (int i = 0; i < MAX_REPLIES; i++) {
            try (Reply reply = receive(option)) {
                if (reply.type() == Nbd.REP_META_CONTEXT && reply.data().readableBytes() > Integer.BYTES) {
                    final int id = reply.data().readInt();
                    final String context = reply.text();
                    if (queries.isEmpty() || queries.contains(context)) {
                        found.add(new ExportInfo.Context(id, context));
                    }
                } else if (reply.type() == Nbd.REP_ACK) {
                    return found;
                } else if (reply.isError()) {
                    return List.of(); // an optional feature; GO will say what is wrong with the export
                } else {
                    throw ReplicationException.fail(
                            address.server() + ": a reply that is none to " + Nbd.optionName(option), null);
                }
            }
        }
        throw ReplicationException.fail(address.server() + ": an endless list of metadata contexts", null);
    }

    private static ByteBuf counted(ByteBuf to, String text) {
        final int at = to.writerIndex();
        to.writeInt(0);
        to.setInt(at, ByteBufUtil.writeUtf8(to, text));
        return to;
    }

    /** Opens the export: sends GO, and EXPORT_NAME where the server does not know that. */
    void go() throws IOException {
        final int option = Nbd.OPT_GO;
        name = address.export();
        final ByteBuf data = counted(stream.buffer(), address.export());
        data.writeShort(3)
                .writeShort(Nbd.INFO_NAME)
                .writeShort(Nbd.INFO_DESCRIPTION)
                .writeShort(Nbd.INFO_BLOCK_SIZE);
        send(option, data);
        for (int i = 0; i < MAX_INFOS; i++) {
            try (Reply reply = receive(option)) {
                if (reply.type() == Nbd.REP_INFO) {
                    take(reply.data());
                } else if (reply.type() == Nbd.REP_ACK) {
                    if (!sizeTold) {
                        throw ReplicationException.fail(address + ": the server did not tell the size", null);
                    }
                    return;
                } else if (reply.type() == Nbd.REP_ERR_UNSUP && !extended) {
                    exportName();
                    return;
                } else {
                    throw reply.type() == Nbd.REP_ERR_TLS_REQD ? tlsRequired() : refused(option, reply);
                }
            }
        }
        throw ReplicationException.fail(address + ": an endless answer to " + Nbd.optionName(option), null);
    }

    private void take(ByteBuf info) throws ReplicationException {
        if (info.readableBytes() < Short.BYTES) {
            throw ReplicationException.fail(address + ": broken export information", null);
        }
        final int type = info.readUnsignedShort();
        switch (type) {
            case Nbd.INFO_EXPORT -> {
                need(info, Long.BYTES + Short.BYTES);
                size = info.readLong();
                sizeTold = true;
                flags = info.readUnsignedShort();
            }
            case Nbd.INFO_NAME -> name = info.toString(StandardCharsets.UTF_8);
            case Nbd.INFO_DESCRIPTION -> description = info.toString(StandardCharsets.UTF_8);
            case Nbd.INFO_BLOCK_SIZE -> {
                need(info, 3 * Integer.BYTES);
                blockSize(info.readUnsignedInt(), info.readUnsignedInt(), info.readUnsignedInt());
            }
            default -> {
                // information that this client does not know
            }
        }
    }

    private void need(ByteBuf info, int bytes) throws ReplicationException {
        if (info.readableBytes() != bytes) {
            throw ReplicationException.fail(address + ": broken export information", null);
        }
    }

    private void blockSize(long min, long preferred, long max) throws ReplicationException {
        if (Long.bitCount(min) != 1 || min > 1 << 16 || Long.bitCount(preferred) != 1 || max < min) {
            throw ReplicationException.fail(
                    address + ": impossible block sizes " + min + ", " + preferred + ", " + max, null);
        }
        minBlock = (int) min;
        preferredBlock = (int) Math.min(preferred, 1 << 30);
        maxPayload = (int) Math.min(max, 64 << 20);
    }

    /** The only option of servers without fixed newstyle, and the last resort with all others. */
    void exportName() throws IOException {
        name = address.export();
        send(Nbd.OPT_EXPORT_NAME, stream.buffer().writeBytes(address.export().getBytes(StandardCharsets.UTF_8)));
        try {
            size = stream.readLong();
            flags = stream.readShort();
        } catch (final ReplicationException e) {
            throw new ReplicationException(
                    e.category(),
                    address + ": the server ended the connection: it may not have this export, or insist on TLS",
                    e);
        }
        if ((serverFlags & Nbd.FLAG_NO_ZEROES) == 0) {
            stream.read(Nbd.RESERVED_ZEROES).release();
        }
    }

    /** Says goodbye before the transmission phase. */
    void abort() {
        send(Nbd.OPT_ABORT, stream.buffer());
    }

    boolean isOldstyle() {
        return ExportInfo.OLDSTYLE.equals(protocol);
    }

    /** Returns what is known by now. */
    ExportInfo result(List<ExportInfo.Context> contexts) throws ReplicationException {
        if (size < 0) {
            throw ReplicationException.fail(
                    address + ": a size of " + Long.toUnsignedString(size) + " bytes is more than can be handled",
                    null);
        }
        return new ExportInfo(
                name,
                description,
                size,
                flags,
                minBlock,
                preferredBlock,
                maxPayload,
                protocol,
                tlsOn,
                structured,
                extended,
                contexts);
    }
}
