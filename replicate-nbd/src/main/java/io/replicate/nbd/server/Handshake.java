package io.replicate.nbd.server;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.replicate.nbd.protocol.Nbd;
import io.replicate.nbd.server.OptionReader.InvalidOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The newstyle handshake of one connection, fixed or not. Used by the channel's event loop only. */
@SuppressWarnings("FutureReturnValueIgnored") // a write or close that fails closes the channel, which is watched
final class Handshake {
    private static final Logger LOG = LoggerFactory.getLogger(Handshake.class);

    /** Longer options are refused; their data is thrown away as it comes. */
    private static final int MAX_OPTION = 64 << 10;
    /** A client that announces more than this means no good. */
    private static final int MAX_SKIP = 16 << 20;

    private static final int MAX_OPTIONS = 4096;
    /** Exports with larger blocks are only opened to clients that asked for the block size. */
    private static final int USUAL_BLOCK = 512;

    private static final int PREFERRED_BLOCK = 4096;

    /** What the handshake may ask of its connection. */
    interface Outcome {
        /** The transmission phase begins; the bytes that are left belong to it. */
        void enter(Negotiated negotiated);

        /** All that follows is TLS. */
        void startTls();

        /** The connection ends; what was written is sent first. */
        void close();
    }

    private enum State {
        CLIENT_FLAGS,
        OPTION,
        DATA,
        SKIP,
        OVER
    }

    private final Channel channel;
    private final ServerSettings settings;
    private final OptionReplies replies;
    private final Outcome outcome;

    private State state = State.CLIENT_FLAGS;
    private boolean fixed;
    private boolean noZeroes;
    private boolean tls;
    private boolean shuttingDown;
    private boolean structured;
    private boolean extended;
    private @Nullable Export contextExport;
    private List<Negotiated.Context> contexts = List.of();
    private int option;
    private long dataLength;
    private int options;

    Handshake(Channel channel, ServerSettings settings, Outcome outcome) {
        this.channel = channel;
        this.settings = settings;
        this.outcome = outcome;
        this.replies = new OptionReplies(channel);
    }

    /** Sends the greeting. */
    void greet() {
        final ByteBuf hello = channel.alloc().buffer(18);
        hello.writeLong(Nbd.INIT_MAGIC).writeLong(Nbd.OPTION_MAGIC);
        hello.writeShort(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES);
        channel.writeAndFlush(hello, channel.voidPromise());
    }

    /** From now on every option but ABORT is answered with ERR_SHUTDOWN. */
    void shutdown() {
        shuttingDown = true;
    }

    /** Takes what can be taken from {@code in}, as long as the client reads its replies. */
    void receive(ByteBuf in) {
        while (state != State.OVER && channel.isWritable() && step(in)) {
            // one state after the other
        }
        channel.flush();
    }

    private boolean step(ByteBuf in) {
        switch (state) {
            case CLIENT_FLAGS -> {
                if (in.readableBytes() < Integer.BYTES) {
                    return false;
                }
                clientFlags(in.readInt());
            }
            case OPTION -> {
                if (in.readableBytes() < Nbd.OPTION_HEADER) {
                    return false;
                }
                header(in);
            }
            case DATA -> {
                if (in.readableBytes() < dataLength) {
                    return false;
                }
                data(in);
            }
            case SKIP -> {
                final int n = (int) Math.min(in.readableBytes(), dataLength);
                in.skipBytes(n);
                dataLength -= n;
                if (dataLength > 0) {
                    return false;
                }
                state = State.OPTION;
                refuseLong();
            }
            case OVER -> {
                return false;
            }
        }
        return true;
    }

    private void clientFlags(int flags) {
        if ((flags & ~(Nbd.FLAG_FIXED_NEWSTYLE | Nbd.FLAG_NO_ZEROES)) != 0) {
            close("unknown client flags 0x" + Integer.toHexString(flags));
            return;
        }
        fixed = (flags & Nbd.FLAG_FIXED_NEWSTYLE) != 0;
        noZeroes = (flags & Nbd.FLAG_NO_ZEROES) != 0;
        state = State.OPTION;
    }

    private void header(ByteBuf in) {
        final long magic = in.readLong();
        option = in.readInt();
        dataLength = in.readUnsignedInt();
        if (magic != Nbd.OPTION_MAGIC) {
            close("a wrong option magic");
        } else if (++options > MAX_OPTIONS) {
            close("more than " + MAX_OPTIONS + " options");
        } else if (!fixed && option != Nbd.OPT_EXPORT_NAME) {
            close(Nbd.optionName(option) + " without fixed newstyle");
        } else if (dataLength > MAX_SKIP || (option == Nbd.OPT_EXPORT_NAME && dataLength > Nbd.MAX_STRING)) {
            close(Nbd.optionName(option) + " with " + dataLength + " bytes of data");
        } else {
            state = dataLength > MAX_OPTION ? State.SKIP : State.DATA;
        }
    }

    private void refuseLong() {
        if (option == Nbd.OPT_SET_META_CONTEXT) {
            forgetContexts();
        }
        if (option == Nbd.OPT_ABORT) {
            abort();
        } else if (mustHaveTls()) {
            replies.error(option, Nbd.REP_ERR_TLS_REQD, "this server insists on TLS");
        } else if (isKnown(option)) {
            replies.error(option, Nbd.REP_ERR_TOO_BIG, "at most " + MAX_OPTION + " bytes of option data");
        } else {
            unsupported();
        }
    }

    private static boolean isKnown(int option) {
        return option >= Nbd.OPT_EXPORT_NAME && option <= Nbd.OPT_EXTENDED_HEADERS && option != 4;
    }

    private boolean mustHaveTls() {
        return settings.tlsRequired() && !tls;
    }

    private void data(ByteBuf in) {
        state = State.OPTION;
        final OptionReader data = new OptionReader(in, (int) dataLength);
        try {
            dispatch(data, in);
        } catch (final InvalidOption e) {
            data.skipRest();
            if (option == Nbd.OPT_EXPORT_NAME) {
                close(String.valueOf(e.getMessage()));
            } else {
                if (option == Nbd.OPT_SET_META_CONTEXT) {
                    forgetContexts();
                }
                replies.error(option, Nbd.REP_ERR_INVALID, Nbd.optionName(option) + ": " + e.getMessage());
            }
        }
    }

    private void dispatch(OptionReader data, ByteBuf in) throws InvalidOption {
        if (option == Nbd.OPT_ABORT) {
            data.skipRest();
            abort();
        } else if (option == Nbd.OPT_EXPORT_NAME) {
            exportName(data.string(data.left()));
        } else if (shuttingDown) {
            data.skipRest();
            replies.error(option, Nbd.REP_ERR_SHUTDOWN, "the server is shutting down");
        } else if (option == Nbd.OPT_STARTTLS) {
            data.end();
            startTls(in);
        } else if (mustHaveTls()) {
            data.skipRest();
            replies.error(option, Nbd.REP_ERR_TLS_REQD, "this server insists on TLS");
        } else {
            switch (option) {
                case Nbd.OPT_LIST -> list(data);
                case Nbd.OPT_INFO, Nbd.OPT_GO -> info(data);
                case Nbd.OPT_STRUCTURED_REPLY -> structuredReply(data);
                case Nbd.OPT_EXTENDED_HEADERS -> extendedHeaders(data);
                case Nbd.OPT_LIST_META_CONTEXT, Nbd.OPT_SET_META_CONTEXT -> metaContext(data);
                default -> {
                    data.skipRest();
                    unsupported();
                }
            }
        }
    }

    private void unsupported() {
        replies.error(option, Nbd.REP_ERR_UNSUP, Nbd.optionName(option) + " is not supported");
    }

    private void abort() {
        replies.ack(option);
        state = State.OVER;
        outcome.close();
    }

    private void exportName(String name) {
        final Optional<Export> found = settings.exports().find(name);
        if (found.isEmpty() || mustHaveTls() || shuttingDown || extended) {
            close("EXPORT_NAME '" + name + "': "
                    + (extended
                            ? "not after EXTENDED_HEADERS"
                            : mustHaveTls()
                                    ? "this server insists on TLS"
                                    : shuttingDown ? "the server is shutting down" : "no such export"));
            return;
        }
        final Negotiated negotiated = negotiated(found.get());
        final ByteBuf reply = channel.alloc().buffer(Long.BYTES + Short.BYTES + Nbd.RESERVED_ZEROES);
        reply.writeLong(found.get().sizeBytes()).writeShort(flags(negotiated));
        if (!noZeroes) {
            reply.writeZero(Nbd.RESERVED_ZEROES);
        }
        channel.write(reply, channel.voidPromise());
        state = State.OVER;
        outcome.enter(negotiated);
    }

    private Negotiated negotiated(Export export) {
        return new Negotiated(export, structured, extended, contextExport == export ? contexts : List.of(), false);
    }

    private static int flags(Negotiated negotiated) {
        return negotiated.export().transmissionFlags(negotiated.chunked(), negotiated.statusPayload());
    }

    private void list(OptionReader data) throws InvalidOption {
        data.end();
        if (!settings.listing()) {
            replies.error(option, Nbd.REP_ERR_POLICY, "this server does not list its exports");
            return;
        }
        settings.exports().all().forEach(replies::server);
        replies.ack(option);
    }

    private void startTls(ByteBuf in) {
        if (tls) {
            replies.error(option, Nbd.REP_ERR_INVALID, "TLS is on already");
        } else if (!settings.hasTls()) {
            replies.error(option, Nbd.REP_ERR_POLICY, "TLS is not configured");
        } else if (in.isReadable()) {
            // whoever sends before he has the answer wants it to count as if it had come through TLS
            close("plaintext behind STARTTLS");
        } else {
            replies.ack(option);
            channel.flush();
            tls = true;
            structured = false;
            extended = false;
            forgetContexts();
            outcome.startTls();
        }
    }

    private void forgetContexts() {
        contextExport = null;
        contexts = List.of();
    }

    private void info(OptionReader data) throws InvalidOption {
        final String name = data.countedString();
        final int count = data.u16();
        boolean wantsName = false;
        boolean wantsDescription = false;
        boolean wantsBlockSize = false;
        for (int i = 0; i < count; i++) {
            final int info = data.u16();
            wantsName |= info == Nbd.INFO_NAME;
            wantsDescription |= info == Nbd.INFO_DESCRIPTION;
            wantsBlockSize |= info == Nbd.INFO_BLOCK_SIZE;
        }
        data.end();
        final Optional<Export> found = settings.exports().find(name);
        if (found.isEmpty()) {
            replies.error(option, Nbd.REP_ERR_UNKNOWN, "export '" + name + "' is not known here");
            return;
        }
        final Export export = found.get();
        final Negotiated negotiated = negotiated(export);
        final int minBlock = export.medium().minBlock();
        if (wantsBlockSize || minBlock > 1) {
            replies.infoBlockSize(option, minBlock, Math.max(minBlock, PREFERRED_BLOCK), RequestCheck.MAX_PAYLOAD);
        }
        if (!wantsBlockSize && minBlock > USUAL_BLOCK) {
            replies.error(option, Nbd.REP_ERR_BLOCK_SIZE_REQD, "this export needs requests in blocks of " + minBlock);
            return;
        }
        replies.infoExport(option, export.sizeBytes(), flags(negotiated));
        if (wantsName) {
            replies.infoText(option, Nbd.INFO_NAME, export.name());
        }
        if (wantsDescription && !export.description().isEmpty()) {
            replies.infoText(option, Nbd.INFO_DESCRIPTION, export.description());
        }
        replies.ack(option);
        if (option == Nbd.OPT_GO) {
            state = State.OVER;
            outcome.enter(negotiated);
        }
    }

    private void structuredReply(OptionReader data) throws InvalidOption {
        data.end();
        if (extended) {
            replies.error(option, Nbd.REP_ERR_EXT_HEADER_REQD, "extended headers are on already");
            return;
        }
        structured = true;
        replies.ack(option);
    }

    private void extendedHeaders(OptionReader data) throws InvalidOption {
        data.end();
        extended = true;
        replies.ack(option);
    }

    private void metaContext(OptionReader data) throws InvalidOption {
        final boolean set = option == Nbd.OPT_SET_META_CONTEXT;
        if (set) {
            forgetContexts();
        }
        final String name = data.countedString();
        final long count = data.u32();
        final List<String> queries = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            queries.add(data.countedString());
        }
        data.end();
        if (!structured && !extended) {
            throw new InvalidOption("structured replies must be asked for first");
        }
        final Optional<Export> found = settings.exports().find(name);
        if (found.isEmpty()) {
            replies.error(option, Nbd.REP_ERR_UNKNOWN, "export '" + name + "' is not known here");
        } else if (set) {
            select(found.get(), queries);
        } else {
            final List<String> names = queries.isEmpty()
                    ? MetaContexts.all(found.get())
                    : queries.stream()
                            .flatMap(q -> MetaContexts.list(found.get(), q).stream())
                            .distinct()
                            .toList();
            names.forEach(context -> replies.metaContext(option, 0, context));
            replies.ack(option);
        }
    }

    private void select(Export export, List<String> queries) {
        final List<Negotiated.Context> selected = new ArrayList<>();
        for (final String query : queries.stream().distinct().toList()) {
            MetaContexts.select(export, query, selected.size() + 1).ifPresent(selected::add);
        }
        contextExport = export;
        contexts = List.copyOf(selected);
        selected.forEach(context -> replies.metaContext(option, context.id(), context.name()));
        replies.ack(option);
    }

    private void close(String reason) {
        LOG.debug("{}: {}: closed", PeerName.of(channel), reason);
        state = State.OVER;
        outcome.close();
    }
}
