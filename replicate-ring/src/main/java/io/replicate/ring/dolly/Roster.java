package io.replicate.ring.dolly;

import io.replicate.core.spi.ReplicationException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What is known of the hosts behind a node: who is ready, who has a copy, who is lost. Thread-safe. */
final class Roster {
    /** In place of a number of bytes: every node behind the child has been reported by its name. */
    static final long BY_NAME = -1;

    private final List<String> hosts;
    private final Dialect dialect;
    private final Map<String, DollyNode> results = new LinkedHashMap<>();
    private final Map<String, String> heirs = new HashMap<>();
    private final Set<String> ready = new HashSet<>();
    private final Set<String> strangers = new HashSet<>();
    private final Set<String> lines = new HashSet<>();
    private long total = -1;
    private String digest = "";
    private boolean signOfLife;

    /** @param hosts behind the node, in order. */
    Roster(final List<String> hosts, final Dialect dialect) {
        this.hosts = hosts;
        this.dialect = dialect;
    }

    /** Returns whether a line from behind comes for the first time: after a takeover all is said again. */
    synchronized boolean isNew(final String line) {
        return lines.add(Extension.plain(line));
    }

    /** Takes note of a line from behind. An old node may call itself otherwise than the list does: it counts as one. */
    synchronized void heard(final String line) {
        final String plain = Extension.plain(line);
        boolean listed = false;
        for (final String host : hosts) {
            if (plain.equals(dialect.ready(host))) {
                ready.add(host);
                listed = true;
            }
        }
        if (!listed && dialect.isReady(plain)) {
            strangers.add(plain);
        }
        notifyAll();
    }

    synchronized void heir(final String host, final String token) {
        heirs.put(host, token);
    }

    /** Returns by what the host can be taken over, or null when it is not ours, or behind one that is not. */
    synchronized @Nullable String tokenOf(final String host) {
        return heirs.get(host);
    }

    synchronized boolean isKnown(final String host) {
        return results.containsKey(host);
    }

    /** Takes note of what became of a host, unless that is known. */
    synchronized boolean lost(final String host, final String reason) {
        final boolean news = results.putIfAbsent(host, DollyNode.failed(host, reason)) == null;
        notifyAll();
        return news;
    }

    /** Takes note of what a host says of itself. */
    synchronized DollyNode reported(final DollyNode node) {
        final boolean wrong = node.state() == DollyNode.State.PROVEN
                && (node.bytes() != total || (!digest.isEmpty() && !digest.equals(node.digest())));
        final DollyNode judged = wrong ? DollyNode.failed(node.name(), "has another digest than the source") : node;
        results.put(node.name(), judged);
        notifyAll();
        return judged;
    }

    /** Turns an acknowledgement into results; only when the length of the whole stream is known. */
    synchronized void judge(final String child, final Collection<String> subtree, final long bytes) {
        for (final String host : subtree) {
            if (bytes == BY_NAME) {
                results.putIfAbsent(host, DollyNode.failed(host, "was not reported by " + child));
            } else if (bytes != total) {
                results.putIfAbsent(
                        host, DollyNode.failed(host, child + " acknowledged " + bytes + " bytes of " + total));
            } else {
                results.putIfAbsent(host, new DollyNode(host, DollyNode.State.ACKNOWLEDGED, bytes, "", ""));
            }
        }
    }

    synchronized void total(final long bytes) {
        total = bytes;
    }

    synchronized long total() {
        return total;
    }

    synchronized void digest(final String hex) {
        digest = hex;
    }

    synchronized String digest() {
        return digest;
    }

    synchronized void busy() {
        signOfLife = true;
    }

    /** Returns whether somebody behind has shown since the last call that he lives. */
    synchronized boolean takeSignOfLife() {
        final boolean sign = signOfLife;
        signOfLife = false;
        return sign;
    }

    /** Returns who is neither ready nor lost. */
    synchronized List<String> notReady() {
        final List<String> names = new ArrayList<>(hosts);
        names.removeIf(host -> ready.contains(host) || results.containsKey(host));
        return names.size() <= strangers.size() ? List.of() : names;
    }

    /** Returns what became of every host, in order; one of which nothing is known has no copy. */
    synchronized List<DollyNode> results() {
        final List<DollyNode> all = new ArrayList<>();
        for (final String host : hosts) {
            final @Nullable DollyNode node = results.get(host);
            all.add(node == null ? DollyNode.failed(host, "has not said what became of its copy") : node);
        }
        return all;
    }

    /** Returns what went wrong, or nothing. */
    synchronized String reasons() {
        final List<String> reasons = new ArrayList<>();
        for (final DollyNode node : results.values()) {
            if (!node.ok()) {
                reasons.add(node.name() + " " + node.reason());
            }
        }
        return String.join("; ", reasons);
    }

    synchronized void changed() {
        notifyAll();
    }

    /** Waits for news, a second at most. */
    @SuppressWarnings("WaitNotInLoop") // all callers loop
    synchronized void await(final Deadline deadline) throws ReplicationException {
        try {
            wait(Math.max(1, Math.min(1000, deadline.leftNs() / 1_000_000L)));
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "interrupted", e);
        }
    }
}
