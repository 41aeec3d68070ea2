package io.replicate.delta.apply;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The state of a target in two slots, written in turn: whatever a crash does to one, the other is whole. Each slot is
 * one sector of 512 bytes, at 0 and at 4096, little-endian.
 *
 * <pre>
 *  off size field
 *    0   8  "RPLstate"
 *    8   4  version, 1
 *   12   4  phase: 0 idle, 1 redo, 2 clone, 3 in place
 *   16   8  sequence; slot = sequence mod 2
 *   24  64  generation, zero-padded
 *   88  64  next generation, zero-padded
 *  152   8  image bytes
 *  160   8  spool bytes
 *  168  32  SHA-256 of the spool
 *  200   8  inode of the clone
 *  508   4  CRC32C of bytes 0 to 507
 * </pre>
 */
final class StateLog {
    static final String NAME = "state";

    private static final int SLOT_BYTES = 512;
    private static final int SLOT_STRIDE = 4096;
    private static final int CRC_OFFSET = 508;
    private static final int SHA_BYTES = 32;
    private static final byte[] MAGIC = "RPLstate".getBytes(StandardCharsets.US_ASCII);

    private final StateDirectory directory;

    StateLog(final StateDirectory directory) {
        this.directory = directory;
    }

    /**
     * Returns the last state.
     *
     * @throws ReplicationException CORRUPT when no slot is whole though both were written.
     */
    TargetState load() throws IOException {
        if (!directory.exists(NAME)) {
            return TargetState.unknown();
        }
        try (StateFile file = directory.open(NAME)) {
            final Slot a = read(file, 0);
            final Slot b = read(file, 1);
            if (a.state == null && b.state == null) {
                if (a.written && b.written) {
                    throw ReplicationException.corrupt("the state file of the target is damaged, both its slots:"
                            + " verify the target against its source, then remove its state directory");
                }
                return TargetState.unknown();
            }
            if (a.state == null) {
                return java.util.Objects.requireNonNull(b.state);
            }
            return b.state == null || a.state.sequence() > b.state.sequence() ? a.state : b.state;
        }
    }

    /** Stores a state; on return it is durable. */
    void store(final TargetState state) throws IOException {
        final boolean fresh = !directory.exists(NAME);
        try (StateFile file = fresh ? directory.create(NAME) : directory.open(NAME)) {
            file.write(state.sequence() % 2 * SLOT_STRIDE, encode(state));
            file.sync();
        }
        if (fresh) {
            directory.sync();
        }
    }

    private record Slot(@Nullable TargetState state, boolean written) {}

    private static Slot read(final StateFile file, final int index) throws IOException {
        final long offset = (long) index * SLOT_STRIDE;
        if (file.size() < offset + SLOT_BYTES) {
            return new Slot(null, false);
        }
        final ByteBuffer b = ByteBuffer.allocate(SLOT_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        file.read(offset, b);
        b.flip();
        boolean written = false;
        for (int i = 0; i < SLOT_BYTES; i++) {
            written |= b.get(i) != 0;
        }
        final byte[] magic = new byte[MAGIC.length];
        b.get(magic);
        final TargetState.@Nullable Phase p = TargetState.Phase.of(b.getInt(12));
        if (crc(b) != b.getInt(CRC_OFFSET) || !java.util.Arrays.equals(magic, MAGIC) || b.getInt(8) != 1 || p == null) {
            return new Slot(null, written);
        }
        final byte[] sha = new byte[SHA_BYTES];
        b.position(168).get(sha);
        return new Slot(
                new TargetState(
                        b.getLong(16),
                        p,
                        text(b, 24),
                        text(b, 88),
                        b.getLong(152),
                        b.getLong(160),
                        p == TargetState.Phase.REDO ? HexFormat.of().formatHex(sha) : "",
                        b.getLong(200)),
                true);
    }

    private static ByteBuffer encode(final TargetState state) {
        final ByteBuffer b = ByteBuffer.allocate(SLOT_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        b.put(MAGIC).putInt(1).putInt(state.phase().code()).putLong(state.sequence());
        b.position(24).put(state.generation().getBytes(StandardCharsets.US_ASCII));
        b.position(88).put(state.next().getBytes(StandardCharsets.US_ASCII));
        b.putLong(152, state.imageBytes()).putLong(160, state.spoolBytes());
        b.position(168).put(HexFormat.of().parseHex(state.spoolSha256()));
        b.putLong(200, state.inode());
        b.putInt(CRC_OFFSET, crc(b));
        return b.clear();
    }

    private static String text(final ByteBuffer b, final int offset) {
        int end = offset;
        while (end < offset + 64 && b.get(end) != 0) {
            end++;
        }
        final byte[] raw = new byte[end - offset];
        b.duplicate().position(offset).get(raw);
        return new String(raw, StandardCharsets.US_ASCII);
    }

    private static int crc(final ByteBuffer slot) {
        final CRC32C crc = new CRC32C();
        crc.update(slot.duplicate().position(0).limit(CRC_OFFSET));
        return (int) crc.getValue();
    }
}
