package io.replicate.ring.internal;

import io.replicate.core.block.Block;
import io.replicate.core.job.ExtentDigest;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Unit;
import io.replicate.ring.Verify;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Stores what comes in: writes frames in order, keeps the digest, makes progress durable, and commits what is proven. */
final class StoreWriter {
    private final Session<Extent> session;
    private final Feed.Cursor cursor;
    private final NodeProgress progress;
    private final long sizeBytes;
    private final Verify verify;
    private final FrameDecoder decoder;
    private final ReadBack readBack;
    private ExtentDigest digest;
    private volatile long written;
    private volatile long durable;
    private long dataBytes; // of the thread that runs
    private volatile boolean stopped;
    private long checkpointAtNs;

    /** Re-reads what was stored; apart from the writer so that tests can replace it. */
    interface ReadBack {
        /** Returns the digest of the first {@code size} bytes of the store. */
        String digest(long size, StoredDigest.Watch watch) throws IOException;
    }

    /**
     * Creates a writer.
     *
     * @param cursor stands where the copy goes on.
     * @param digest of everything before it.
     * @param sizeBytes that were announced, or {@link Unit#UNKNOWN}.
     */
    StoreWriter(
            final Session<Extent> session,
            final Feed.Cursor cursor,
            final NodeProgress progress,
            final ExtentDigest digest,
            final long sizeBytes,
            final Verify verify,
            final FrameDecoder decoder,
            final ReadBack readBack) {
        this.session = session;
        this.cursor = cursor;
        this.progress = progress;
        this.digest = digest;
        this.sizeBytes = sizeBytes;
        this.verify = verify;
        this.decoder = decoder;
        this.readBack = readBack;
        this.written = cursor.position();
        this.durable = written;
        this.checkpointAtNs = System.nanoTime();
    }

    /** The end of a node's work. */
    record Outcome(long bytes, long dataBytes, String digest, Committed committed) {}

    /**
     * Writes until the end and commits.
     *
     * @throws ReplicationException CORRUPT when the size is not the announced one, or the digest not the server's: nothing
     *     was committed.
     */
    Outcome run(final Duration tick) throws IOException {
        while (true) {
            final @Nullable Frame frame = cursor.next(tick);
            if (frame == null) {
                checkStopped();
                continue;
            }
            try {
                checkStopped();
                if (frame.isEnd()) {
                    return finish(frame);
                }
                write(frame);
            } finally {
                frame.release();
            }
            checkpointIfDue(frame.endPosition());
        }
    }

    private void checkStopped() throws ReplicationException {
        if (stopped) {
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "stopped");
        }
    }

    private void write(final Frame frame) throws IOException {
        final Extent extent = FrameMaker.extentOf(frame);
        final @Nullable Block payload = frame.payload();
        if (frame.isStored()) {
            session.spliced(extent);
            if (verify != Verify.NONE) {
                requireCrc(frame);
                digest.data(extent.offset(), extent.length(), frame.payloadCrc());
            }
            dataBytes += extent.length();
        } else if (payload == null) {
            session.write(extent, null);
            if (verify != Verify.NONE) {
                digest.zeros(extent.offset(), extent.length());
            }
        } else {
            final Block raw = decoder.decode(frame, payload);
            try {
                session.write(extent, raw);
                if (verify != Verify.NONE) {
                    requireCrc(frame);
                    decoder.addTo(digest, frame, raw);
                }
            } finally {
                raw.release();
            }
            dataBytes += extent.length();
        }
        written = extent.end();
    }

    private static void requireCrc(final Frame frame) throws ReplicationException {
        if ((frame.flags() & FrameType.FLAG_NO_CRC) != 0) {
            throw ReplicationException.corrupt(frame + " has no CRC32C, but a verified copy was announced");
        }
    }

    private void checkpointIfDue(final long position) throws IOException {
        final long now = System.nanoTime();
        if (now - checkpointAtNs < progress.interval().toNanos()) {
            return;
        }
        checkpoint(position);
        checkpointAtNs = System.nanoTime();
    }

    private void checkpoint(final long position) throws IOException {
        if (progress.isKept()) {
            session.flush();
            progress.commit(position, digest.save());
            durable = position;
        }
    }

    private Outcome finish(final Frame end) throws IOException {
        final String own = verify == Verify.NONE ? "" : digest.finish().hex();
        if (sizeBytes != Unit.UNKNOWN && end.position() != sizeBytes) {
            throw ReplicationException.corrupt(
                    "the stream ended at offset=" + end.position() + ", its size was announced as " + sizeBytes);
        }
        if (verify != Verify.NONE && !end.digest().equals(own)) {
            throw ReplicationException.corrupt(
                    "the digest of what was received is " + own + ", the server's is " + end.digest());
        }
        if (verify == Verify.READBACK) {
            session.flush();
            final String stored = readBack.digest(end.position(), (offset, size) -> checkStopped());
            if (!stored.equals(end.digest())) {
                throw ReplicationException.corrupt(
                        "the digest of what is stored is " + stored + ", the server's is " + end.digest());
            }
        }
        final Committed committed = session.commit(Revision.NONE);
        durable = end.position();
        progress.forget();
        return new Outcome(end.position(), dataBytes, own, committed);
    }

    /** Makes what is written durable, so that the next run goes on from there. */
    void saveOnAbort() throws IOException {
        checkpoint(written);
    }

    void stop() {
        stopped = true;
    }

    long written() {
        return written;
    }

    long durable() {
        return durable;
    }
}
