package io.replicate.ring.internal;

import io.replicate.core.spi.ReplicationException;
import io.replicate.ring.internal.ControlMessage.Accept;
import io.replicate.ring.internal.ControlMessage.Child;
import io.replicate.ring.internal.ControlMessage.ChildLost;
import io.replicate.ring.internal.ControlMessage.Children;
import io.replicate.ring.internal.ControlMessage.DataHello;
import io.replicate.ring.internal.ControlMessage.DataReady;
import io.replicate.ring.internal.ControlMessage.Done;
import io.replicate.ring.internal.ControlMessage.Offer;
import io.replicate.ring.internal.ControlMessage.ParentSilent;
import io.replicate.ring.internal.ControlMessage.Ping;
import io.replicate.ring.internal.ControlMessage.Refuse;
import io.replicate.ring.internal.ControlMessage.Result;
import io.replicate.ring.internal.ControlMessage.Status;
import java.nio.BufferOverflowException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Control messages as bytes: one byte of kind, then the fields of the record in order. Integers are big-endian; a
 * boolean is one byte; a string or byte string is a 16-bit length and so many bytes (UTF-8); a list is a 16-bit count
 * and its items. Every length is checked before anything is allocated.
 */
final class ControlCodec {
    /** No message is longer. */
    static final int MAX_BYTES = 64 << 10;

    private static final int MAX_STRING_BYTES = 4096;
    private static final int MAX_CHILDREN = 1024;
    private static final int MAX_ADDRESSES = 16;

    private ControlCodec() {}

    /**
     * Writes a message to the beginning of a buffer.
     *
     * @return the buffer that holds it, up to its position: the given one, or a larger one where it did not fit.
     * @throws IllegalArgumentException when it has more than {@link #MAX_BYTES}.
     */
    static ByteBuffer encode(final ControlMessage message, final ByteBuffer reuse) {
        ByteBuffer out = reuse.clear();
        while (true) {
            try {
                put(message, out);
                return out;
            } catch (final BufferOverflowException e) {
                if (out.capacity() >= MAX_BYTES) {
                    throw new IllegalArgumentException("message of more than " + MAX_BYTES + " bytes: " + message, e);
                }
                out = ByteBuffer.allocate(Math.min(MAX_BYTES, out.capacity() * 4));
            }
        }
    }

    private static void put(final ControlMessage message, final ByteBuffer out) {
        if (message instanceof Offer m) {
            out.put((byte) 1).putInt(m.version());
            putString(out, m.session());
            out.putInt(m.node());
            putString(out, m.nodeName());
            out.putLong(m.sizeBytes()).putLong(m.dataBytes());
            putBoolean(out, m.fromDevice());
            putBoolean(out, m.force());
            putString(out, m.target());
            putString(out, m.image());
            out.putInt(m.verify())
                    .putInt(m.frameBytes())
                    .putInt(m.heartbeatMs())
                    .putInt(m.deadAfterMs());
        } else if (message instanceof Accept m) {
            out.put((byte) 2)
                    .putInt(m.version())
                    .putLong(m.begunAt())
                    .putLong(m.position())
                    .putLong(m.durable());
            putString(out, m.target());
        } else if (message instanceof Refuse m) {
            out.put((byte) 3);
            putBoolean(out, m.permanent());
            putString(out, m.reason());
        } else if (message instanceof Children m) {
            out.put((byte) 4).putInt(m.epoch()).putShort((short) m.children().size());
            m.children().forEach(child -> putChild(out, child));
        } else if (message instanceof Status m) {
            out.put((byte) 5)
                    .putInt(m.stage())
                    .putLong(m.received())
                    .putLong(m.written())
                    .putLong(m.durable());
        } else if (message instanceof Ping m) {
            out.put((byte) 6).putLong(m.sequence());
        } else if (message instanceof ChildLost m) {
            out.put((byte) 7).putInt(m.node());
            putBoolean(out, m.gone());
            putString(out, m.reason());
        } else if (message instanceof ParentSilent m) {
            out.put((byte) 8).putInt(m.parent());
            putString(out, m.reason());
        } else if (message instanceof Result m) {
            out.put((byte) 9);
            putBoolean(out, m.ok());
            out.putLong(m.bytes()).putLong(m.dataBytes());
            putString(out, m.digest());
            putBoolean(out, m.atomic());
            out.putLong(m.failedAt());
            putString(out, m.reason() == null ? "" : m.reason());
        } else if (message instanceof Done m) {
            out.put((byte) 10);
            putBoolean(out, m.ok());
            putString(out, m.reason());
        } else if (message instanceof DataHello m) {
            out.put((byte) 11).putInt(m.version());
            putString(out, m.session());
            out.putInt(m.epoch()).putInt(m.parent()).putInt(m.stream()).putInt(m.streams());
        } else if (message instanceof DataReady m) {
            out.put((byte) 12).putLong(m.resumeFrom());
        }
    }

    /**
     * Reads one message, which fills the buffer.
     *
     * @throws ReplicationException CORRUPT when the bytes are no message.
     */
    static ControlMessage decode(final ByteBuffer in) throws ReplicationException {
        try {
            final ControlMessage message = get(in);
            if (in.hasRemaining()) {
                throw ReplicationException.corrupt("ring message: " + in.remaining() + " bytes too long");
            }
            return message;
        } catch (final BufferUnderflowException e) {
            throw ReplicationException.corrupt("ring message: cut short");
        }
    }

    private static ControlMessage get(final ByteBuffer in) throws ReplicationException {
        final int kind = in.get();
        return switch (kind) {
            case 1 ->
                new Offer(
                        in.getInt(),
                        getString(in),
                        in.getInt(),
                        getString(in),
                        in.getLong(),
                        in.getLong(),
                        getBoolean(in),
                        getBoolean(in),
                        getString(in),
                        getString(in),
                        in.getInt(),
                        in.getInt(),
                        in.getInt(),
                        in.getInt());
            case 2 -> new Accept(in.getInt(), in.getLong(), in.getLong(), in.getLong(), getString(in));
            case 3 -> new Refuse(getBoolean(in), getString(in));
            case 4 -> new Children(in.getInt(), getChildren(in));
            case 5 -> new Status(in.getInt(), in.getLong(), in.getLong(), in.getLong());
            case 6 -> new Ping(in.getLong());
            case 7 -> new ChildLost(in.getInt(), getBoolean(in), getString(in));
            case 8 -> new ParentSilent(in.getInt(), getString(in));
            case 9 -> getResult(in);
            case 10 -> new Done(getBoolean(in), getString(in));
            case 11 -> new DataHello(in.getInt(), getString(in), in.getInt(), in.getInt(), in.getInt(), in.getInt());
            case 12 -> new DataReady(in.getLong());
            default -> throw ReplicationException.corrupt("ring message: unknown kind " + kind);
        };
    }

    private static Result getResult(final ByteBuffer in) throws ReplicationException {
        final boolean ok = getBoolean(in);
        final long bytes = in.getLong();
        final long dataBytes = in.getLong();
        final String digest = getString(in);
        final boolean atomic = getBoolean(in);
        final long failedAt = in.getLong();
        final String reason = getString(in);
        return new Result(ok, bytes, dataBytes, digest, atomic, failedAt, reason.isEmpty() ? null : reason);
    }

    private static void putChild(final ByteBuffer out, final Child child) {
        out.putInt(child.node());
        putString(out, child.name());
        out.putInt(child.streams()).putShort((short) child.addresses().size());
        child.addresses().forEach(address -> putString(out, address));
    }

    private static List<Child> getChildren(final ByteBuffer in) throws ReplicationException {
        final int count = getCount(in, MAX_CHILDREN);
        final List<Child> children = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            final int node = in.getInt();
            final String name = getString(in);
            final int streams = in.getInt();
            final int addressCount = getCount(in, MAX_ADDRESSES);
            final List<String> addresses = new ArrayList<>();
            for (int a = 0; a < addressCount; a++) {
                addresses.add(getString(in));
            }
            children.add(new Child(node, name, streams, addresses));
        }
        return children;
    }

    private static int getCount(final ByteBuffer in, final int max) throws ReplicationException {
        final int count = in.getShort() & 0xffff;
        if (count > max) {
            throw ReplicationException.corrupt("ring message: list of " + count + ", at most " + max);
        }
        return count;
    }

    private static void putBoolean(final ByteBuffer out, final boolean value) {
        out.put((byte) (value ? 1 : 0));
    }

    private static boolean getBoolean(final ByteBuffer in) throws ReplicationException {
        final byte value = in.get();
        if (value != 0 && value != 1) {
            throw ReplicationException.corrupt("ring message: boolean " + value);
        }
        return value == 1;
    }

    private static void putString(final ByteBuffer out, final String value) {
        putBytes(out, value.getBytes(StandardCharsets.UTF_8));
    }

    private static void putBytes(final ByteBuffer out, final byte[] value) {
        if (value.length > MAX_STRING_BYTES) {
            throw new IllegalArgumentException("field of " + value.length + " bytes, at most " + MAX_STRING_BYTES);
        }
        out.putShort((short) value.length).put(value);
    }

    private static byte[] getBytes(final ByteBuffer in) throws ReplicationException {
        final int length = in.getShort() & 0xffff;
        if (length > MAX_STRING_BYTES || length > in.remaining()) {
            throw ReplicationException.corrupt("ring message: field of " + length + " bytes");
        }
        final byte[] bytes = new byte[length];
        in.get(bytes);
        return bytes;
    }

    private static String getString(final ByteBuffer in) throws ReplicationException {
        try {
            final CharBuffer chars = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(getBytes(in)));
            return chars.toString();
        } catch (final CharacterCodingException e) {
            throw ReplicationException.corrupt("ring message: a string is not UTF-8");
        }
    }
}
