package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.net.FrameHeader;
import io.replicate.core.net.Links;
import io.replicate.core.posix.Fd;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The stream as it comes in: raw bytes, or frames from a parent of ours. Which of them shows when the first bytes come,
 * and so does which data connection is the right one, where a dead server has left another. One thread receives.
 */
final class Inflow implements AutoCloseable {
    /** Whether there is nothing more to wait for. */
    interface Watch {
        boolean isOver() throws IOException;

        /** Returns who behind this node is not ready, so that no data can come; or nothing. */
        String notReady();
    }

    /** What came on a data connection before it could be the stream's. */
    private record Early(Link link, ByteBuffer bytes) {}

    private static final Duration TICK = Duration.ofMillis(200);
    private static final Duration SHORT = Duration.ofMillis(20);
    private static final Duration DISTRUST = Duration.ofSeconds(1);

    /** The most connections that are looked at before this node is ready. */
    private static final int MAX_STRANGERS = 64;

    private final Door door;
    private final Parent parent;
    private final DollyOptions options;
    private final BlockPool pool;
    private final @Nullable Fd file;
    private final Watch watch;
    private final CRC32C crc = new CRC32C();
    private final ByteBuffer head = ByteBuffer.allocateDirect(FrameHeader.LENGTH);
    private final List<Link> candidates = new CopyOnWriteArrayList<>();
    private final List<Early> early = new CopyOnWriteArrayList<>();
    private volatile @Nullable DataIn raw;
    private volatile @Nullable FrameIn frames;

    /**
     * Creates it.
     *
     * @param file that the kernel may write frames to, or null.
     */
    Inflow(
            final Door door,
            final Parent parent,
            final DollyOptions options,
            final Link[] links,
            final BlockPool pool,
            final @Nullable Fd file,
            final Watch watch) {
        this.door = door;
        this.parent = parent;
        this.options = options;
        this.pool = pool;
        this.file = file;
        this.watch = watch;
        if (links.length > 1) {
            raw = new DataIn(links, options.blockBytes());
        } else {
            candidates.add(links[0]);
        }
    }

    /**
     * Puts aside the connections on which something has come already: no parent sends before this node is ready, so what
     * came is a stranger's, or the rest of a dead server's. To be called just before this node says that it is ready.
     */
    void distrustEarly() throws IOException {
        if (raw != null) {
            return; // numbered links have shown whose they are
        }
        boolean more = true;
        for (int i = 0; more && i < MAX_STRANGERS; i++) { // a port scan leaves many
            more = addCandidate(Duration.ZERO);
        }
        for (final Link link : List.copyOf(candidates)) {
            final ByteBuffer bytes = ByteBuffer.allocateDirect(FrameHeader.LENGTH);
            final int n = receive(link, bytes, Duration.ofMillis(1));
            if (n != 0) {
                candidates.remove(link);
            }
            if (n > 0) {
                early.add(new Early(link, bytes));
            } else if (n < 0) {
                Threads.closeQuietly(link);
            }
        }
    }

    /** Returns the next piece, which begins at {@code offset}, for the caller to own; null when there is nothing more. */
    @Nullable
    Piece next(final long offset) throws IOException {
        if (raw == null && frames == null && !begin()) {
            return null;
        }
        final @Nullable FrameIn framed = frames;
        final @Nullable DataIn plain = raw;
        if (framed != null) {
            return frame(framed, offset);
        }
        return plain == null ? null : bytes(plain, offset);
    }

    /** Waits for the first bytes, which tell what comes on which connection; false when there are none. */
    private boolean begin() throws IOException {
        final Deadline deadline = Deadline.in(options.startWait().multipliedBy(2));
        @Nullable Deadline ended = null;
        final Deadline distrust = Deadline.in(DISTRUST);
        for (int turn = 0; ; turn++) {
            if (watch.isOver()) {
                return false;
            }
            if (candidates.isEmpty() && !early.isEmpty() && distrust.passed()) {
                return beginEarly(); // nobody else has come: a parent that does not wait
            }
            if (candidates.isEmpty()) {
                ended = ended == null ? Deadline.in(options.idleWait()) : ended;
                if (ended.passed()) {
                    return false;
                }
            }
            addCandidate(candidates.isEmpty() ? TICK : Duration.ZERO);
            if (candidates.isEmpty()) {
                continue;
            }
            final Link link = candidates.get(turn % candidates.size());
            final int n = receive(link, head, candidates.size() > 1 ? SHORT : TICK);
            if (n > 0) {
                begin(link);
                return true;
            }
            if (n < 0) {
                candidates.remove(link); // what a dead server had left in the queue, or the end of nothing
                Threads.closeQuietly(link);
            }
            if (deadline.passed() && !parent.heardWithin(options.idleWait())) {
                if (!early.isEmpty()) {
                    return beginEarly(); // who has come since says nothing
                }
                final String missing = watch.notReady();
                final ReplicationException silent = silent(options.startWait().multipliedBy(2), null);
                throw missing.isEmpty()
                        ? silent
                        : ReplicationException.fail(silent.getMessage() + "; not ready: " + missing, silent);
            }
        }
    }

    /** Another connection may be waiting behind one that says nothing. */
    private boolean addCandidate(final Duration wait) throws IOException {
        final @Nullable Link next = door.nextData(wait.isZero() ? Duration.ofMillis(1) : wait);
        return next != null && candidates.add(next);
    }

    /** Returns how many bytes have come, 0 when none in time, -1 when none will. */
    private int receive(final Link link, final ByteBuffer into, final Duration wait) throws IOException {
        link.timeout(wait);
        try {
            return link.receive(into);
        } catch (final IOException e) {
            if (watch.isOver()) {
                return 0;
            }
            if (Links.isTimeout(e)) {
                return 0;
            }
            if (candidates.size() == 1 && parent.isGone()) {
                throw e;
            }
            return -1;
        }
    }

    private boolean beginEarly() throws IOException {
        final Early first = early.remove(0);
        head.put(first.bytes().flip());
        begin(first.link());
        return true;
    }

    private void begin(final Link link) throws IOException {
        candidates.remove(link);
        candidates.forEach(Threads::closeQuietly);
        candidates.clear();
        early.forEach(other -> Threads.closeQuietly(other.link()));
        early.clear();
        head.flip();
        if (parent.isFramed()) {
            framed(link, head);
        } else {
            raw = new DataIn(link, head);
        }
    }

    /** Goes on with the frames of another parent. */
    void replace(final Link link) throws IOException {
        close();
        raw = null;
        framed(link, ByteBuffer.allocate(0));
    }

    private void framed(final Link link, final ByteBuffer begun) throws IOException {
        final FrameIn in = new FrameIn(link, begun, pool, file);
        in.timeout(options.idleWait());
        frames = in;
    }

    private Piece frame(final FrameIn in, final long offset) throws IOException {
        while (true) {
            try {
                return in.next(offset);
            } catch (final IOException e) {
                if (!Links.isTimeout(e)) {
                    throw e;
                }
                if (!in.isBetweenFrames() || !parent.heardWithin(options.idleWait()) || watch.isOver()) {
                    throw silent(options.idleWait(), e);
                }
            }
        }
    }

    /** Fills a block up to the next cut, as disks like it; but does not hold back what has come when nothing follows. */
    private @Nullable Piece bytes(final DataIn in, final long offset) throws IOException {
        final Block block = pool.take();
        boolean kept = false;
        try {
            final ByteBuffer space = block.space().limit(Piece.roomAt(offset));
            in.timeout(options.idleWait());
            boolean more = receive(in, space);
            in.timeout(SHORT);
            while (more && space.hasRemaining()) {
                more = receiveSoon(in, space);
            }
            if (space.position() == 0) {
                return null;
            }
            block.length(space.position());
            kept = true;
            return Piece.of(offset, block, crc);
        } finally {
            if (!kept) {
                block.release();
            }
        }
    }

    private boolean receiveSoon(final DataIn in, final ByteBuffer space) throws IOException {
        try {
            return in.receive(space) >= 0;
        } catch (final IOException e) {
            return false; // if it is more than a pause, the next call says so
        }
    }

    private boolean receive(final DataIn in, final ByteBuffer space) throws IOException {
        while (true) {
            try {
                return in.receive(space) >= 0;
            } catch (final IOException e) {
                if (watch.isOver()) {
                    return false;
                }
                if (!Links.isTimeout(e)) {
                    throw e;
                }
                if (!parent.heardWithin(options.idleWait())) {
                    throw silent(options.idleWait(), e);
                }
            }
        }
    }

    private ReplicationException silent(final Duration wait, final @Nullable IOException e) {
        return ReplicationException.fail("no data for " + wait.toMillis() / 1000.0 + " s from " + parent.peer(), e);
    }

    @Override
    public void close() {
        candidates.forEach(Threads::closeQuietly);
        early.forEach(other -> Threads.closeQuietly(other.link()));
        final @Nullable DataIn plain = raw;
        if (plain != null) {
            plain.close();
        }
        final @Nullable FrameIn framed = frames;
        if (framed != null) {
            framed.close();
        }
    }
}
