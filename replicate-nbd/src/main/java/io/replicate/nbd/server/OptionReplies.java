package io.replicate.nbd.server;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.replicate.nbd.protocol.Nbd;
import java.nio.charset.StandardCharsets;

/** Writes the replies of the option haggling; they leave with the next flush. */
@SuppressWarnings("FutureReturnValueIgnored") // a write or close that fails closes the channel, which is watched
final class OptionReplies {
    private static final int MAX_TEXT = 1024;

    private final Channel channel;

    OptionReplies(Channel channel) {
        this.channel = channel;
    }

    private void send(int option, int type, ByteBuf payload) {
        final ByteBuf out = channel.alloc().buffer(Nbd.OPTION_REPLY_HEADER + payload.readableBytes());
        out.writeLong(Nbd.OPTION_REPLY_MAGIC).writeInt(option).writeInt(type).writeInt(payload.readableBytes());
        out.writeBytes(payload);
        payload.release();
        channel.write(out, channel.voidPromise());
    }

    private ByteBuf payload() {
        return channel.alloc().buffer();
    }

    void ack(int option) {
        send(option, Nbd.REP_ACK, payload());
    }

    /** Sends an error with a text for people. */
    void error(int option, int type, String text) {
        final String shown = text.length() > MAX_TEXT ? text.substring(0, MAX_TEXT) : text;
        send(option, type, payload().writeBytes(shown.getBytes(StandardCharsets.UTF_8)));
    }

    void server(Export export) {
        final ByteBuf p = payload().writeInt(0);
        p.setInt(0, ByteBufUtil.writeUtf8(p, export.name()));
        ByteBufUtil.writeUtf8(p, export.description());
        send(Nbd.OPT_LIST, Nbd.REP_SERVER, p);
    }

    void infoExport(int option, long size, int flags) {
        send(
                option,
                Nbd.REP_INFO,
                payload().writeShort(Nbd.INFO_EXPORT).writeLong(size).writeShort(flags));
    }

    void infoText(int option, int info, String text) {
        final ByteBuf p = payload().writeShort(info);
        ByteBufUtil.writeUtf8(p, text);
        send(option, Nbd.REP_INFO, p);
    }

    void infoBlockSize(int option, int minimum, int preferred, int maximum) {
        send(
                option,
                Nbd.REP_INFO,
                payload()
                        .writeShort(Nbd.INFO_BLOCK_SIZE)
                        .writeInt(minimum)
                        .writeInt(preferred)
                        .writeInt(maximum));
    }

    void metaContext(int option, int id, String name) {
        final ByteBuf p = payload().writeInt(id);
        ByteBufUtil.writeUtf8(p, name);
        send(option, Nbd.REP_META_CONTEXT, p);
    }
}
