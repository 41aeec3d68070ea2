package io.replicate.core.net;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** The few pieces of DER (ITU-T X.690) that keys and a self-signed certificate are made of. Stateless. */
final class Der {
    static final int INTEGER = 0x02;
    static final int BIT_STRING = 0x03;
    static final int OCTET_STRING = 0x04;
    static final int NULL = 0x05;
    static final int OBJECT_IDENTIFIER = 0x06;
    static final int UTF8_STRING = 0x0c;
    static final int GENERALIZED_TIME = 0x18;
    static final int SEQUENCE = 0x30;
    static final int SET = 0x31;
    static final int CONTEXT_0 = 0xa0;

    private static final int LONG_FORM = 0x80;
    private static final int MAX_LENGTH_BYTES = 3;

    private Der() {}

    /** Returns one value: tag, length, and the parts as its content. */
    static byte[] value(final int tag, final byte[]... parts) {
        final ByteArrayOutputStream content = new ByteArrayOutputStream();
        for (final byte[] part : parts) {
            content.writeBytes(part);
        }
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(tag);
        final int length = content.size();
        if (length < LONG_FORM) {
            out.write(length);
        } else {
            final byte[] bytes = BigInteger.valueOf(length).toByteArray();
            final int skip = bytes[0] == 0 ? 1 : 0;
            out.write(LONG_FORM | (bytes.length - skip));
            out.write(bytes, skip, bytes.length - skip);
        }
        out.writeBytes(content.toByteArray());
        return out.toByteArray();
    }

    static byte[] sequence(final byte[]... parts) {
        return value(SEQUENCE, parts);
    }

    static byte[] integer(final BigInteger number) {
        return value(INTEGER, number.toByteArray());
    }

    static byte[] utf8(final String text) {
        return value(UTF8_STRING, text.getBytes(StandardCharsets.UTF_8));
    }

    /** @param arcs of the identifier, at least two */
    static byte[] oid(final int... arcs) {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(arcs[0] * 40 + arcs[1]);
        for (int i = 2; i < arcs.length; i++) {
            for (int shift = 28; shift > 0; shift -= 7) {
                if (arcs[i] >>> shift != 0) {
                    out.write((arcs[i] >>> shift & 0x7f) | 0x80);
                }
            }
            out.write(arcs[i] & 0x7f);
        }
        return value(OBJECT_IDENTIFIER, out.toByteArray());
    }

    /** Returns the tag of the value at the position, which stays there; -1 at the end. */
    static int peek(final ByteBuffer from) {
        return from.hasRemaining() ? from.get(from.position()) & 0xff : -1;
    }

    /**
     * Returns the content of the value at the position, and goes behind it.
     *
     * @throws IllegalArgumentException when it has another tag or does not fit.
     */
    static ByteBuffer content(final ByteBuffer from, final int tag) {
        if (from.remaining() < 2 || (from.get() & 0xff) != tag) {
            throw new IllegalArgumentException("not the DER value that was expected");
        }
        int length = from.get() & 0xff;
        if (length >= LONG_FORM) {
            final int count = length - LONG_FORM;
            if (count < 1 || count > MAX_LENGTH_BYTES || count > from.remaining()) {
                throw new IllegalArgumentException("a DER length of " + count + " bytes");
            }
            length = 0;
            for (int i = 0; i < count; i++) {
                length = length << 8 | (from.get() & 0xff);
            }
        }
        if (length > from.remaining()) {
            throw new IllegalArgumentException("a DER value is cut off");
        }
        final ByteBuffer content = from.slice(from.position(), length);
        from.position(from.position() + length);
        return content;
    }
}
