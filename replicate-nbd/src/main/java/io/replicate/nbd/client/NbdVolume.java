package io.replicate.nbd.client;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Volume;
import io.replicate.nbd.protocol.Nbd;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;

/**
 * An export of an NBD server as a volume: source, and through core's sink for volumes a target. What the server cannot
 * do is done by other means where there are any. Lost connections are made again, and what was not answered is repeated.
 *
 * <p>What an answer to a write means is up to the server: durable are only writes that a flush has followed. A server
 * that restarts together with its machine may have lost writes that it had answered and nobody had flushed.
 */
public final class NbdVolume implements Volume {
    private static final int PREFERRED = 1 << 20;
    private static final int ZERO_PIECE = 1 << 20;
    /** The longest request without payload where lengths have 32 bits: a multiple of every block size. */
    private static final long COMPACT_LENGTH = 1L << 31;

    private static final long EXTENDED_LENGTH = 1L << 46;

    private final NbdAddress address;
    private final Connections connections;
    private final ExportInfo info;
    private final Geometry geometry;

    private NbdVolume(NbdAddress address, Connections connections) {
        this.address = address;
        this.connections = connections;
        this.info = connections.info();
        final int max = Math.max(info.minBlock(), info.maxPayload() & -info.minBlock());
        final int preferred = Math.min(max, Math.max(PREFERRED, info.minBlock()));
        this.geometry = new Geometry(info.sizeBytes(), info.minBlock(), preferred, max, false, false);
    }

    /** Connects to an export. */
    public static NbdVolume open(NbdAddress address) throws IOException {
        return new NbdVolume(address, new Connections(address, List.of(Nbd.BASE_ALLOCATION)));
    }

    /**
     * Connects to an export, and asks for a dirty bitmap as well, so that it needs no connection of its own: some servers
     * take one client at a time, and end when that leaves.
     *
     * @param bitmap name, without {@code qemu:dirty-bitmap:}.
     * @throws ReplicationException MISUSE when the server does not have it.
     */
    public static NbdVolume open(NbdAddress address, String bitmap) throws IOException {
        final String context = Nbd.DIRTY_BITMAP + bitmap;
        final Connections connections = new Connections(address, List.of(Nbd.BASE_ALLOCATION, context));
        if (id(connections.info(), context).isEmpty()) {
            connections.close();
            throw unknown(address, context);
        }
        return new NbdVolume(address, connections);
    }

    /** Returns what the server said of the export. */
    public ExportInfo info() {
        return info;
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    @Override
    public boolean readOnly() {
        return info.readOnly();
    }

    @Override
    public Plan<Extent> plan(Selection selection) throws IOException {
        if (selection instanceof Selection.Bitmap bitmap) {
            return plan(new Selection.Ranges(dirty(bitmap.name())));
        }
        return VolumePlan.of(this, selection);
    }

    private List<Extent> dirty(String bitmap) throws IOException {
        final String context = Nbd.DIRTY_BITMAP + bitmap;
        final List<Extent> dirty = new ArrayList<>();
        for (final StatusRun run : status(context)) {
            if ((run.flags() & Nbd.STATE_DIRTY) != 0) {
                dirty.add(Extent.data(run.offset(), run.length()));
            }
        }
        return dirty;
    }

    /**
     * A run of one status.
     *
     * @param flags as the context defines them.
     */
    public record StatusRun(long offset, long length, long flags) {}

    /**
     * Returns the status of the whole export in a metadata context, by a connection of its own for one that the volume did
     * not ask for when it was opened.
     *
     * @throws ReplicationException MISUSE when the server does not have the context.
     */
    public List<StatusRun> status(String context) throws IOException {
        if (context.equals(Nbd.BASE_ALLOCATION) || id(info, context).isPresent()) {
            return status(connections, context);
        }
        try (Connections own = new Connections(address, List.of(context))) {
            return status(own, context);
        }
    }

    private List<StatusRun> status(Connections own, String context) throws IOException {
        if (id(own.info(), context).isEmpty()) {
            throw unknown(address, context);
        }
        final List<StatusRun> runs = new ArrayList<>();
        for (long at = 0; at < info.sizeBytes(); ) {
            final Call call = statusCall(at, info.sizeBytes() - at, 0);
            final Wire wire = own.call(call);
            final long before = at;
            // of a new connection too: one that lost the context is refused when it is made
            for (final Call.Descriptor d : call.status(id(wire.info(), context).orElseThrow())) {
                final long length = Math.min(d.length(), info.sizeBytes() - at);
                if (length > 0) {
                    runs.add(new StatusRun(at, length, d.flags()));
                    at += length;
                }
            }
            if (at == before) {
                throw ReplicationException.fail(address + ": a block status without an answer", null);
            }
        }
        return runs;
    }

    private static ReplicationException unknown(NbdAddress address, String context) {
        return ReplicationException.misuse(address + ": the server has no metadata context '" + context + "'");
    }

    private static OptionalInt id(ExportInfo of, String context) {
        return of.contexts().stream()
                .filter(c -> c.name().equals(context))
                .mapToInt(ExportInfo.Context::id)
                .findFirst();
    }

    private Call statusCall(long offset, long length, int flags) {
        final long most = info.extended() ? EXTENDED_LENGTH : COMPACT_LENGTH;
        return new Call(Nbd.CMD_BLOCK_STATUS, flags, offset, Math.min(length, most), null);
    }

    @Override
    public int read(Extent unit, Block into) throws IOException {
        final long left = geometry.sizeBytes() - unit.offset();
        if (left <= 0) {
            into.length(0);
            return -1;
        }
        into.length((int) Math.min(unit.length(), left));
        read(unit.offset(), into.bytes());
        return into.length();
    }

    @Override
    public void read(long offset, ByteBuffer into) throws IOException {
        requireInside(offset, into.remaining());
        if (!isAligned(offset, into.remaining())) {
            readAround(offset, into);
            return;
        }
        for (long at = offset; into.hasRemaining(); ) {
            final int bytes = Math.min(into.remaining(), geometry.maxIoBytes());
            connections.call(new Call(Nbd.CMD_READ, 0, at, bytes, into.slice(into.position(), bytes)));
            into.position(into.position() + bytes);
            at += bytes;
        }
    }

    /** Returns whether a range is of whole blocks, or ends with the export. */
    private boolean isAligned(long offset, long length) {
        final int rest = info.minBlock() - 1;
        return (offset & rest) == 0 && ((length & rest) == 0 || offset + length == info.sizeBytes());
    }

    /** Reads whole blocks and drops what was not asked for. */
    private void readAround(long offset, ByteBuffer into) throws IOException {
        final int block = info.minBlock();
        final ByteBuffer piece = ByteBuffer.allocateDirect(Math.max(block, 1 << 20));
        for (long at = offset; into.hasRemaining(); ) {
            final long from = at & -block;
            final long to = (at + into.remaining() + block - 1) & -block;
            piece.clear().limit((int) Math.min(piece.capacity(), Math.min(to, info.sizeBytes()) - from));
            read(from, piece);
            piece.flip().position((int) (at - from));
            piece.limit(Math.min(piece.limit(), piece.position() + into.remaining()));
            at += piece.remaining();
            into.put(piece);
        }
    }

    private void requireAligned(long offset, long length) throws ReplicationException {
        if (!isAligned(offset, length)) {
            throw ReplicationException.misuse(address + ": offset=" + offset + " length=" + length
                    + ": the server takes whole blocks of " + info.minBlock() + " bytes only");
        }
    }

    @Override
    public void write(long offset, ByteBuffer from, Set<Flag> flags) throws IOException {
        requireWritable();
        requireInside(offset, from.remaining());
        requireAligned(offset, from.remaining());
        for (long at = offset; from.hasRemaining(); ) {
            final int bytes = Math.min(from.remaining(), geometry.maxIoBytes());
            connections.call(new Call(Nbd.CMD_WRITE, fua(flags), at, bytes, from.slice(from.position(), bytes)));
            from.position(from.position() + bytes);
            at += bytes;
        }
        flushInsteadOfFua(flags);
    }

    private int fua(Set<Flag> flags) {
        return flags.contains(Flag.FUA) && info.can(Nbd.FLAG_SEND_FUA) ? Nbd.CMD_FLAG_FUA : 0;
    }

    private void flushInsteadOfFua(Set<Flag> flags) throws IOException {
        if (flags.contains(Flag.FUA) && !info.can(Nbd.FLAG_SEND_FUA)) {
            flush();
        }
    }

    @Override
    public void zero(long offset, long length, Set<Flag> flags) throws IOException {
        requireWritable();
        requireInside(offset, length);
        requireAligned(offset, length);
        final boolean fast = flags.contains(Flag.FAST);
        if (!info.can(Nbd.FLAG_SEND_WRITE_ZEROES) || (fast && !info.can(Nbd.FLAG_SEND_FAST_ZERO))) {
            if (fast) {
                throw new UnsupportedOperationException(address + ": the server has no fast zeroing");
            }
            writeZeroes(offset, length, flags);
            return;
        }
        final int command = fua(flags)
                | (flags.contains(Flag.NO_HOLE) ? Nbd.CMD_FLAG_NO_HOLE : 0)
                | (fast ? Nbd.CMD_FLAG_FAST_ZERO : 0);
        ranged(Nbd.CMD_WRITE_ZEROES, command, offset, length);
        flushInsteadOfFua(flags);
    }

    private void writeZeroes(long offset, long length, Set<Flag> flags) throws IOException {
        final ByteBuffer zeroes = ByteBuffer.allocateDirect((int) Math.min(length, ZERO_PIECE));
        for (long at = offset; at < offset + length; ) {
            zeroes.clear().limit((int) Math.min(zeroes.capacity(), offset + length - at));
            final int bytes = zeroes.remaining();
            write(at, zeroes, flags);
            at += bytes;
        }
    }

    @Override
    public void trim(long offset, long length, Set<Flag> flags) throws IOException {
        requireWritable();
        requireInside(offset, length);
        final long from = (offset + info.minBlock() - 1) & -info.minBlock();
        final long to = (offset + length) & -info.minBlock(); // parts of blocks stay: trimming is a hint
        if (info.can(Nbd.FLAG_SEND_TRIM) && from < to) {
            ranged(Nbd.CMD_TRIM, fua(flags), from, to - from);
            flushInsteadOfFua(flags);
        }
    }

    private void ranged(int type, int flags, long offset, long length) throws IOException {
        final long most = info.extended() ? EXTENDED_LENGTH : COMPACT_LENGTH;
        for (long at = offset; at < offset + length; ) {
            final long bytes = Math.min(most, offset + length - at);
            connections.call(new Call(type, flags, at, bytes, null));
            at += bytes;
        }
    }

    @Override
    public void flush() throws IOException {
        if (info.can(Nbd.FLAG_SEND_FLUSH) && !info.readOnly()) {
            connections.call(new Call(Nbd.CMD_FLUSH, 0, 0, 0, null));
        }
    }

    @Override
    public void cache(long offset, long length) throws IOException {
        requireInside(offset, length);
        if (info.can(Nbd.FLAG_SEND_CACHE)) {
            ranged(Nbd.CMD_CACHE, 0, offset, length);
        }
    }

    @Override
    public List<Extent> extents(long offset, long length, int limit) throws IOException {
        requireInside(offset, length);
        if (length == 0) {
            return List.of();
        }
        if (id(info, Nbd.BASE_ALLOCATION).isEmpty()) {
            return List.of(Extent.data(offset, length));
        }
        // blocks are asked for whole; their surplus is cut off below
        final long from = offset & -info.minBlock();
        final long to = Math.min(info.sizeBytes(), (offset + length + info.minBlock() - 1) & -info.minBlock());
        final Call call = statusCall(from, to - from, limit == 1 ? Nbd.CMD_FLAG_REQ_ONE : 0);
        final Wire wire = connections.call(call);
        final List<Extent> extents = new ArrayList<>();
        long at = from;
        final OptionalInt id = id(wire.info(), Nbd.BASE_ALLOCATION);
        for (final Call.Descriptor d : id.isEmpty() ? List.<Call.Descriptor>of() : call.status(id.getAsInt())) {
            final long begin = Math.max(at, offset);
            final long end = Math.min(at + Math.min(d.length(), info.sizeBytes() - at), offset + length);
            at += Math.min(d.length(), info.sizeBytes() - at);
            if (end > begin && extents.size() < limit) {
                extents.add(new Extent(begin, end - begin, kind(d.flags())));
            }
            if (at >= offset + length) {
                break;
            }
        }
        return extents.isEmpty() ? List.of(Extent.data(offset, length)) : extents;
    }

    private static Extent.Kind kind(long flags) {
        if ((flags & Nbd.STATE_ZERO) == 0) {
            return Extent.Kind.DATA;
        }
        return (flags & Nbd.STATE_HOLE) != 0 ? Extent.Kind.HOLE : Extent.Kind.ZERO;
    }

    private void requireWritable() throws ReplicationException {
        if (info.readOnly()) {
            throw ReplicationException.misuse(address + ": the export is read-only: EPERM");
        }
    }

    private void requireInside(long offset, long length) {
        if (offset < 0 || length < 0 || offset > info.sizeBytes() - length) {
            throw new IllegalArgumentException("offset=" + offset + " length=" + length + " of " + address + " with "
                    + info.sizeBytes() + " bytes");
        }
    }

    @Override
    public void close() {
        connections.close();
    }

    @Override
    public String toString() {
        return address.toString();
    }
}
