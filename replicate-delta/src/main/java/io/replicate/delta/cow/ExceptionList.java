package io.replicate.delta.cow;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * The exceptions of a delta, in the order of the store. Up to a configured number they are in memory; beyond that in
 * unnamed temporary files, and sorting is by merging runs, so that a delta of any size needs little memory. Used by one
 * thread; several cursors may be open while nothing is added.
 */
public final class ExceptionList implements AutoCloseable, EntryVisitor {
    /** Pairs kept in memory by default: 4 MiB. */
    public static final int DEFAULT_IN_MEMORY = 1 << 18;

    private static final int PAIR_BYTES = SnapLayout.ENTRY_BYTES;
    private static final int RUN_BUFFER_BYTES = 32 << 10;

    private final Path directory;
    private final int inMemory;
    private long[] pairs = new long[1 << 10];
    private long @Nullable [] sorted;
    private int held;
    private long spilled;
    private long maxOldChunk = -1;
    private long lastNewChunk = -1;
    private boolean newAscending = true;
    private @Nullable FileChannel log;
    private @Nullable FileChannel runs;
    private final List<Long> runEnds = new ArrayList<>();

    /**
     * Creates an empty list.
     *
     * @param directory for temporary files.
     * @param inMemory how many pairs are kept in memory, at least 2.
     */
    public ExceptionList(final Path directory, final int inMemory) {
        if (inMemory < 2) {
            throw new IllegalArgumentException("list of " + inMemory + " pairs");
        }
        this.directory = directory;
        this.inMemory = inMemory;
    }

    /** Creates an empty list with the default memory, spilling to the system's temporary directory. */
    public ExceptionList() {
        this(Path.of(System.getProperty("java.io.tmpdir", "/tmp")), DEFAULT_IN_MEMORY);
    }

    /** Returns the number of exceptions. */
    public long size() {
        return spilled + held;
    }

    @Override
    public void entry(final long oldChunk, final long newChunk) throws IOException {
        if (held == inMemory) {
            spill();
        }
        if (2 * held == pairs.length) {
            pairs = java.util.Arrays.copyOf(pairs, Math.min(2 * pairs.length, 2 * inMemory));
        }
        sorted = null;
        pairs[2 * held] = oldChunk;
        pairs[2 * held + 1] = newChunk;
        held++;
        maxOldChunk = Math.max(maxOldChunk, oldChunk);
        newAscending &= newChunk > lastNewChunk;
        lastNewChunk = newChunk;
    }

    /** Returns the largest chunk of the origin that is named, or -1 when there is none. */
    public long maxOldChunk() {
        return maxOldChunk;
    }

    private void spill() throws IOException {
        if (log == null) {
            log = temporary();
            runs = temporary();
        }
        append(log, pairs, held);
        final long[] run = sortedInMemory();
        append(java.util.Objects.requireNonNull(runs), run, held);
        spilled += held;
        runEnds.add(spilled);
        held = 0;
        sorted = null;
    }

    private FileChannel temporary() throws IOException {
        final Path file = Files.createTempFile(directory, "replicate-delta-", ".tmp");
        return FileChannel.open(
                file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE);
    }

    private static void append(final FileChannel to, final long[] from, final int count) throws IOException {
        final ByteBuffer buffer = ByteBuffer.allocate(RUN_BUFFER_BYTES);
        for (int i = 0; i < 2 * count; i++) {
            buffer.putLong(from[i]);
            if (!buffer.hasRemaining()) {
                writeAll(to, buffer.flip());
                buffer.clear();
            }
        }
        writeAll(to, buffer.flip());
    }

    private static void writeAll(final FileChannel to, final ByteBuffer from) throws IOException {
        long position = to.size();
        while (from.hasRemaining()) {
            position += to.write(from, position);
        }
    }

    /** The last pairs in ascending order of the origin's chunks; kept until one is added. */
    private long[] sortedInMemory() {
        if (sorted == null) {
            final long[] copy = java.util.Arrays.copyOf(pairs, 2 * held);
            PairSort.sort(copy, held);
            sorted = copy;
        }
        return sorted;
    }

    /** Returns a cursor in the order of the store. */
    public Pairs inOrder() {
        return new InOrder(0);
    }

    /** Returns a cursor in the order of the store that begins at pair {@code from}. */
    public Pairs inOrder(final long from) {
        return new InOrder(from);
    }

    /** Returns a list of the first {@code count} exceptions, in the same order; closed by the caller. */
    public ExceptionList first(final long count) throws IOException {
        final ExceptionList first = new ExceptionList(directory, inMemory);
        boolean complete = false;
        try (Pairs pairs = inOrder()) {
            while (first.size() < count && pairs.next()) {
                first.entry(pairs.oldChunk(), pairs.newChunk());
            }
            complete = true;
            return first;
        } finally {
            if (!complete) {
                first.close();
            }
        }
    }

    /** Returns a cursor in ascending order of the origin's chunks. */
    public Pairs sorted() throws IOException {
        final long[] tail = sortedInMemory();
        if (runEnds.isEmpty()) {
            return new Held(tail, held);
        }
        return new Merged(tail);
    }

    /**
     * Checks that every origin chunk, and every data chunk, is named once.
     *
     * @throws ReplicationException CORRUPT otherwise.
     */
    public void requireUnique(final String where) throws IOException {
        if (runEnds.isEmpty()) {
            requireDistinct(sortedInMemory(), held, where);
        } else {
            requireDistinct(sorted(), where, "origin chunk");
        }
        if (!newAscending) {
            try (ExceptionList swapped = new ExceptionList(directory, inMemory);
                    Pairs cursor = inOrder()) {
                while (cursor.next()) {
                    swapped.entry(/* oldChunk= */ cursor.newChunk(), /* newChunk= */ cursor.oldChunk());
                }
                requireDistinct(swapped.sorted(), where, "data chunk");
            }
        }
    }

    /** As the other, without a call for each pair: most lists are short, and what is short is interpreted. */
    private static void requireDistinct(final long[] sorted, final int count, final String where)
            throws ReplicationException {
        for (int i = 1; i < count; i++) {
            if (sorted[2 * i] == sorted[2 * i - 2]) {
                throw named(where, "origin chunk", sorted[2 * i]);
            }
        }
    }

    private static void requireDistinct(final Pairs sorted, final String where, final String what) throws IOException {
        try (sorted) {
            long last = -1;
            while (sorted.next()) {
                if (sorted.oldChunk() == last) {
                    throw named(where, what, last);
                }
                last = sorted.oldChunk();
            }
        }
    }

    private static ReplicationException named(final String where, final String what, final long chunk) {
        return ReplicationException.corrupt(
                where + ": " + what + " " + chunk + " is named by two exceptions: the store is corrupt");
    }

    @Override
    public void close() {
        try {
            if (log != null) {
                log.close();
            }
            if (runs != null) {
                runs.close();
            }
        } catch (final IOException e) {
            throw new UncheckedIOException("closing a temporary file", e);
        }
    }

    /** A window over pairs in a file. */
    private static final class Window {
        private final FileChannel file;
        private final ByteBuffer buffer = ByteBuffer.allocate(RUN_BUFFER_BYTES).limit(0);
        private long position;
        private final long end;

        Window(final FileChannel file, final long firstPair, final long endPair) {
            this.file = file;
            this.position = firstPair * PAIR_BYTES;
            this.end = endPair * PAIR_BYTES;
        }

        /** Returns the buffer with at least one pair in it, or null behind the last. */
        @Nullable
        ByteBuffer ready() throws IOException {
            if (buffer.hasRemaining()) {
                return buffer;
            }
            if (position == end) {
                return null;
            }
            buffer.clear().limit((int) Math.min(buffer.capacity(), end - position));
            while (buffer.hasRemaining()) {
                final int n = file.read(buffer, position);
                if (n < 0) {
                    throw ReplicationException.fail("a temporary file of exceptions was cut", null);
                }
                position += n;
            }
            return buffer.flip();
        }
    }

    private static final class Held implements Pairs {
        private final long[] pairs;
        private final int count;
        private int at = -1;

        Held(final long[] pairs, final int count) {
            this.pairs = pairs;
            this.count = count;
        }

        @Override
        public boolean next() {
            at++;
            return at < count;
        }

        @Override
        public long oldChunk() {
            return pairs[2 * at];
        }

        @Override
        public long newChunk() {
            return pairs[2 * at + 1];
        }
    }

    private final class InOrder implements Pairs {
        private final @Nullable Window window;
        private int at;
        private long oldChunk;
        private long newChunk;

        InOrder(final long from) {
            window = log != null && from < spilled ? new Window(log, from, spilled) : null;
            at = (int) Math.max(0, from - spilled);
        }

        @Override
        public boolean next() throws IOException {
            final @Nullable ByteBuffer b = window == null ? null : window.ready();
            if (b != null) {
                oldChunk = b.getLong();
                newChunk = b.getLong();
                return true;
            }
            if (at >= held) {
                return false;
            }
            oldChunk = pairs[2 * at];
            newChunk = pairs[2 * at + 1];
            at++;
            return true;
        }

        @Override
        public long oldChunk() {
            return oldChunk;
        }

        @Override
        public long newChunk() {
            return newChunk;
        }
    }

    private static final class Run implements Comparable<Run> {
        private final Pairs from;

        Run(final Pairs from) {
            this.from = from;
        }

        @Override
        public int compareTo(final Run other) {
            return Long.compare(from.oldChunk(), other.from.oldChunk());
        }
    }

    private static final class RunPairs implements Pairs {
        private final Window window;
        private long oldChunk;
        private long newChunk;

        RunPairs(final Window window) {
            this.window = window;
        }

        @Override
        public boolean next() throws IOException {
            final @Nullable ByteBuffer b = window.ready();
            if (b == null) {
                return false;
            }
            oldChunk = b.getLong();
            newChunk = b.getLong();
            return true;
        }

        @Override
        public long oldChunk() {
            return oldChunk;
        }

        @Override
        public long newChunk() {
            return newChunk;
        }
    }

    private final class Merged implements Pairs {
        private final PriorityQueue<Run> queue = new PriorityQueue<>();
        private @Nullable Run current;

        Merged(final long[] tail) throws IOException {
            add(new Held(tail, held));
            long from = 0;
            for (final long end : runEnds) {
                add(new RunPairs(new Window(java.util.Objects.requireNonNull(runs), from, end)));
                from = end;
            }
        }

        private void add(final Pairs pairs) throws IOException {
            if (pairs.next()) {
                queue.add(new Run(pairs));
            }
        }

        @Override
        public boolean next() throws IOException {
            if (current != null && current.from.next()) {
                queue.add(current);
            }
            current = queue.poll();
            return current != null;
        }

        @Override
        public long oldChunk() {
            return java.util.Objects.requireNonNull(current).from.oldChunk();
        }

        @Override
        public long newChunk() {
            return java.util.Objects.requireNonNull(current).from.newChunk();
        }
    }
}
