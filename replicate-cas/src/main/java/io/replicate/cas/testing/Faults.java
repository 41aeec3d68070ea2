package io.replicate.cas.testing;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** What goes wrong in a fake server: set by a test at any time, obeyed from the next request on. Thread-safe. */
public final class Faults {
    private volatile Duration latency = Duration.ZERO;
    private volatile boolean full;
    private volatile boolean readOnlyVolumes;
    private volatile boolean shortBodies;
    private volatile boolean wrongBytes;
    private volatile boolean closeBeforeAnswer;
    private volatile boolean resetMidBody;
    private volatile boolean closeKept;
    private volatile int replicasSaid = 1;
    private volatile CountDownLatch hanging = new CountDownLatch(0);
    private volatile int truncateIndexAt = -1;
    private volatile Duration indexTrickle = Duration.ZERO;
    private volatile int indexStallAfterLines = -1;
    private volatile @Nullable Duration retryAfter;
    private final Queue<Integer> nextStatuses = new ArrayDeque<>();
    private final Set<String> wrongHashes = ConcurrentHashMap.newKeySet();
    private final Map<String, Integer> statusOfHash = new ConcurrentHashMap<>();
    private final AtomicInteger busy = new AtomicInteger();

    /** Delays each answer. */
    public Faults latency(final Duration value) {
        latency = value;
        return this;
    }

    /** Refuses writes as a store does that has no space left. */
    public Faults full(final boolean value) {
        full = value;
        return this;
    }

    /** Refuses writes as a store does that has no writable volume. */
    public Faults readOnlyVolumes(final boolean value) {
        readOnlyVolumes = value;
        return this;
    }

    /** Ends the bodies of blocks before their announced length. */
    public Faults shortBodies(final boolean value) {
        shortBodies = value;
        return this;
    }

    /** Sends bodies of the right length with one wrong byte. */
    public Faults wrongBytes(final boolean value) {
        wrongBytes = value;
        return this;
    }

    /** Sends the body of this block with one wrong byte. */
    public Faults wrongBytesOf(final String hash) {
        wrongHashes.add(hash);
        return this;
    }

    /** Answers every read of this block with a status. */
    public Faults statusOf(final String hash, final int status) {
        statusOfHash.put(hash, status);
        return this;
    }

    /** Closes the connection instead of an answer to a request for a block. */
    public Faults closeBeforeAnswer(final boolean value) {
        closeBeforeAnswer = value;
        return this;
    }

    /** Sends half of each block's body, and then resets the connection. */
    public Faults resetMidBody(final boolean value) {
        resetMidBody = value;
        return this;
    }

    /** Closes each connection behind an answer that said it would be kept. */
    public Faults closeKept(final boolean value) {
        closeKept = value;
        return this;
    }

    /** Says with each write that so many copies were stored, whatever is true. */
    public Faults replicasSaid(final int value) {
        replicasSaid = value;
        return this;
    }

    /** Takes requests for blocks and does not answer them until this is switched off. */
    public Faults hang(final boolean value) {
        hanging.countDown();
        hanging = new CountDownLatch(value ? 1 : 0);
        return this;
    }

    /** Cuts an index after so many bytes of its text, with a well-formed end of the HTTP answer; -1 for none. */
    public Faults truncateIndexAt(final int bytes) {
        truncateIndexAt = bytes;
        return this;
    }

    /** Sends an index line by line, with a pause behind each. */
    public Faults indexTrickle(final Duration pause) {
        indexTrickle = pause;
        return this;
    }

    /** Sends so many lines of an index, and then nothing more; -1 for none. */
    public Faults indexStallAfterLines(final int lines) {
        indexStallAfterLines = lines;
        return this;
    }

    /** Sends Retry-After with answers 503 and 429. */
    public Faults retryAfter(final Duration value) {
        retryAfter = value;
        return this;
    }

    /** Answers the next block requests with these statuses, one each. */
    public Faults nextStatuses(final int... statuses) {
        synchronized (nextStatuses) {
            for (final int status : statuses) {
                nextStatuses.add(status);
            }
        }
        return this;
    }

    /** Answers the next {@code requests} block requests with 503. */
    public Faults busyFor(final int requests) {
        busy.set(requests);
        return this;
    }

    Duration latency() {
        return latency;
    }

    boolean full() {
        return full;
    }

    boolean readOnlyVolumes() {
        return readOnlyVolumes;
    }

    boolean shortBodies() {
        return shortBodies;
    }

    boolean wrongBytes(final String hash) {
        return wrongBytes || wrongHashes.contains(hash);
    }

    boolean closeBeforeAnswer() {
        return closeBeforeAnswer;
    }

    boolean resetMidBody() {
        return resetMidBody;
    }

    boolean closeKept() {
        return closeKept;
    }

    int replicasSaid() {
        return replicasSaid;
    }

    void awaitHanging() throws InterruptedException {
        hanging.await();
    }

    int truncateIndexAt() {
        return truncateIndexAt;
    }

    Duration indexTrickle() {
        return indexTrickle;
    }

    int indexStallAfterLines() {
        return indexStallAfterLines;
    }

    @Nullable
    Duration retryAfter() {
        return retryAfter;
    }

    /** Returns the status that the next block request is to be answered with, or 0 for an honest answer. */
    int takeStatus(final String hash, final boolean read) {
        synchronized (nextStatuses) {
            final Integer next = nextStatuses.poll();
            if (next != null) {
                return next;
            }
        }
        if (busy.get() > 0 && busy.getAndDecrement() > 0) {
            return 503;
        }
        return read ? statusOfHash.getOrDefault(hash, 0) : 0;
    }
}
