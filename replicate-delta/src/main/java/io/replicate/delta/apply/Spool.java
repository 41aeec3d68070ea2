package io.replicate.delta.apply;

import io.replicate.core.spi.Digest;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.cow.ChunkData;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.HeaderChunk;
import io.replicate.delta.cow.Marker;
import io.replicate.delta.cow.Pairs;
import io.replicate.delta.cow.StreamReader;
import io.replicate.delta.cow.StreamVisitor;
import io.replicate.delta.cow.StreamWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The redo spool: the whole delta beside its target, as it came. While it is being received it has one name, once it is
 * whole and durable another; it counts only when the state says so. Used by one thread.
 */
final class Spool {
    /** The name while it is received; it is kept when the transfer is cut. */
    static final String PART = "redo.part";

    /** The name of a whole spool. */
    static final String WHOLE = "redo.snap";

    private static final long GROW_BYTES = 64L << 20;
    private static final int VERIFY_BYTES = 1 << 20;

    private Spool() {}

    /** Is asked about the header, before anything behind it is read. */
    interface HeaderCheck {
        void check(HeaderChunk header) throws IOException;
    }

    /**
     * What was received.
     *
     * @param result of reading the stream.
     * @param exceptions of the delta; closed by whoever has this.
     */
    record Received(StreamReader.Result result, ExceptionList exceptions) {}

    /**
     * Receives a stream into the part file, and makes it durable. A part file that is there is replaced only by a stream
     * whose header was accepted: what is no delta, or not for this target, must not cost the transfer that was cut before.
     *
     * @param kept how many bytes of the part file the stream repeats at its beginning, 0 for a fresh one.
     */
    static Received receive(
            final StateDirectory directory,
            final ReadableByteChannel in,
            final String where,
            final boolean lenient,
            final long kept,
            final HeaderCheck check)
            throws IOException {
        final ExceptionList exceptions = new ExceptionList();
        boolean complete = false;
        try (Writer writer = new Writer(directory, exceptions, kept, check)) {
            final StreamReader.Result result = new StreamReader(in, where, lenient).read(writer);
            writer.complete(result.bodyBytes());
            exceptions.requireUnique(where);
            complete = true;
            return new Received(result, exceptions);
        } finally {
            if (!complete) {
                exceptions.close();
            }
        }
    }

    /** Writes chunks from elsewhere into the part file, in order, and makes it durable. Takes over the list. */
    static Received copy(
            final StateDirectory directory,
            final HeaderChunk header,
            final ExceptionList exceptions,
            final ChunkData data,
            final HeaderCheck check)
            throws IOException {
        boolean complete = false;
        try {
            check.check(header);
            try (StateFile part = directory.create(PART)) {
                reserve(part, spoolBytes(header, exceptions.size()));
                final long bytes = new StreamWriter(new FileOut(part), header.layout(), null)
                        .write(exceptions, data, StreamWriter.Samples.NONE);
                part.sync();
                final String sha = sha256(part, bytes);
                complete = true;
                return new Received(
                        new StreamReader.Result(header, exceptions.size(), bytes, sha, List.of()),
                        renumbered(exceptions, header));
            }
        } finally {
            if (!complete) {
                exceptions.close();
            }
        }
    }

    /** Returns the list with the data chunks as they are in the spool. */
    private static ExceptionList renumbered(final ExceptionList from, final HeaderChunk header) throws IOException {
        final ExceptionList to = new ExceptionList();
        try (from;
                Pairs pairs = from.inOrder()) {
            for (long k = 0; pairs.next(); k++) {
                to.entry(pairs.oldChunk(), header.layout().dataChunk(k));
            }
        }
        return to;
    }

    private static long spoolBytes(final HeaderChunk header, final long exceptions) throws ReplicationException {
        try {
            return header.layout().storeBytes(exceptions);
        } catch (final ArithmeticException e) {
            throw ReplicationException.corrupt("the header names " + exceptions + " exceptions of "
                    + header.layout().chunkBytes() + " bytes: that is more than can be");
        }
    }

    private static void reserve(final StateFile part, final long bytes) throws IOException {
        try {
            part.reserve(bytes);
        } catch (final IOException e) {
            throw ReplicationException.fail(
                    "there is no room for the spool of " + bytes + " bytes beside the target (" + e.getMessage()
                            + "): free some, or give another place with --state",
                    e);
        }
    }

    private static final class Writer implements StreamVisitor, AutoCloseable {
        private final StateDirectory directory;
        private final ExceptionList exceptions;
        private final long kept;
        private final HeaderCheck check;
        private long reserved;
        private boolean planned;
        private @Nullable StateFile part;

        Writer(
                final StateDirectory directory,
                final ExceptionList exceptions,
                final long kept,
                final HeaderCheck check) {
            this.directory = directory;
            this.exceptions = exceptions;
            this.kept = kept;
            this.check = check;
        }

        @Override
        public void header(final HeaderChunk header) throws IOException {
            check.check(header);
            part = kept > 0 ? directory.open(PART) : directory.create(PART);
            final @Nullable Marker marker = header.marker();
            if (marker != null) {
                Spool.reserve(part, spoolBytes(header, marker.exceptions()));
                planned = true;
            }
        }

        private StateFile part() {
            return Objects.requireNonNull(part, "there are no bytes before the header");
        }

        /** Cuts the file to what counts, and makes it durable. */
        void complete(final long bytes) throws IOException {
            part().truncate(bytes);
            part().sync();
        }

        /** Reserves some more than is needed now; where that much is not free, only what is. */
        private void grow(final StateFile file, final long end) throws IOException {
            final long wanted = Math.max(end, reserved + GROW_BYTES);
            try {
                file.reserve(wanted);
                reserved = wanted;
            } catch (final IOException e) {
                file.truncate(file.size()); // lets go of what was found before there was no more
                Spool.reserve(file, end);
                reserved = end;
            }
        }

        @Override
        public void entry(final long oldChunk, final long newChunk) throws IOException {
            exceptions.entry(oldChunk, newChunk);
        }

        @Override
        public void bytes(final long offset, final ByteBuffer bytes) throws IOException {
            final long end = offset + bytes.remaining();
            if (end <= kept) {
                return;
            }
            final StateFile file = part();
            if (!planned && end > reserved) {
                grow(file, end);
            }
            if (offset < kept) {
                bytes.position((int) (kept - offset));
            }
            file.write(end - bytes.remaining(), bytes);
        }

        @Override
        public void areaDone(final long area, final long endOffset) {}

        @Override
        public void close() throws IOException {
            if (part != null) {
                part.close();
            }
        }
    }

    /** Returns the SHA-256 of the first {@code length} bytes of a file in hexadecimal. */
    static String sha256(final StateFile file, final long length) throws IOException {
        final MessageDigest sha = Digest.Algorithm.SHA_256.newMessageDigest();
        final ByteBuffer buffer = ByteBuffer.allocateDirect(VERIFY_BYTES);
        for (long at = 0; at < length; at += buffer.limit()) {
            file.read(at, buffer.clear().limit((int) Math.min(VERIFY_BYTES, length - at)));
            sha.update(buffer.flip());
        }
        return HexFormat.of().formatHex(sha.digest());
    }
}
