package io.replicate.cas.testing;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** What a fake server was asked, and how much of it at once. Thread-safe. */
public final class RequestLog {

    /**
     * A request that was answered.
     *
     * @param method of HTTP.
     * @param path as it came.
     * @param headers as they came; of several with one name the last.
     * @param status of the answer; 0 when the connection was closed instead.
     */
    public record Entry(String method, String path, Map<String, String> headers, int status) {
        /** Returns whether a block was asked for or given, rather than an index or a status. */
        public boolean isBlock() {
            return path.length() > 32 && path.substring(1, 33).matches("[0-9a-f]{32}");
        }

        /** Returns the block's hash. */
        public String hash() {
            return path.substring(1, 33);
        }
    }

    private final List<Entry> entries = new ArrayList<>();
    private final AtomicInteger active = new AtomicInteger();
    private final AtomicInteger highest = new AtomicInteger();

    void begin() {
        highest.accumulateAndGet(active.incrementAndGet(), Math::max);
    }

    void end(final Entry entry) {
        active.decrementAndGet();
        synchronized (entries) {
            entries.add(entry);
        }
    }

    /** Returns what was answered so far, in order. */
    public List<Entry> entries() {
        synchronized (entries) {
            return List.copyOf(entries);
        }
    }

    /** Returns the answered requests with that method for blocks. */
    public List<Entry> blocks(final String method) {
        return entries().stream()
                .filter(entry -> entry.method().equals(method) && entry.isBlock())
                .toList();
    }

    /** Returns the answered requests for indexes. */
    public List<Entry> indexes() {
        return entries().stream()
                .filter(entry -> entry.path().startsWith("/index"))
                .toList();
    }

    /** Returns how many requests were under way at once at most. */
    public int highestConcurrency() {
        return highest.get();
    }

    /** Forgets everything. */
    public void clear() {
        synchronized (entries) {
            entries.clear();
        }
        highest.set(active.get());
    }
}
