package io.replicate.nbd.server;

import io.netty.buffer.ByteBuf;
import io.replicate.nbd.protocol.Nbd;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** Reads the data of one option within its bounds. */
final class OptionReader {

    /** The data is not what the option asks for; the message is for the client. */
    static final class InvalidOption extends Exception {
        private static final long serialVersionUID = 1L;

        InvalidOption(String message) {
            super(message, null, false, false);
        }
    }

    private final ByteBuf data;
    private int left;

    /**
     * @param length of the option's data, all of which is readable in {@code data}.
     */
    OptionReader(ByteBuf data, int length) {
        this.data = data;
        this.left = length;
    }

    int u16() throws InvalidOption {
        need(Short.BYTES);
        return data.readUnsignedShort();
    }

    long u32() throws InvalidOption {
        need(Integer.BYTES);
        return data.readUnsignedInt();
    }

    /** Reads a string of {@code length} bytes. */
    String string(long length) throws InvalidOption {
        if (length > Nbd.MAX_STRING) {
            skipRest();
            throw new InvalidOption("a string of " + length + " bytes: at most 4096 are allowed");
        }
        need(length);
        final byte[] bytes = new byte[(int) length];
        data.readBytes(bytes);
        try {
            final String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(java.nio.ByteBuffer.wrap(bytes))
                    .toString();
            if (text.indexOf('\0') >= 0) {
                throw new InvalidOption("a string with a NUL character");
            }
            return text;
        } catch (final CharacterCodingException e) {
            throw new InvalidOption("a string that is not UTF-8");
        }
    }

    /** Reads a string behind its 32-bit length. */
    String countedString() throws InvalidOption {
        return string(u32());
    }

    /** Checks that everything was read. */
    void end() throws InvalidOption {
        if (left != 0) {
            throw new InvalidOption(left + " bytes too many");
        }
    }

    int left() {
        return left;
    }

    void skipRest() {
        data.skipBytes(left);
        left = 0;
    }

    private void need(long bytes) throws InvalidOption {
        if (bytes > left) {
            throw new InvalidOption("the data ends " + (bytes - left) + " bytes too early");
        }
        left -= (int) bytes;
    }
}
