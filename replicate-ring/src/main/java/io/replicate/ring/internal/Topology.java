package io.replicate.ring.internal;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/**
 * Who feeds whom: a tree below the server whose nodes have at most {@code fanout} children while nobody fails; with a
 * fan-out of 1 it is a chain. When a node is taken out, its children go to its parent. Not thread-safe.
 */
final class Topology {
    /** The parent of who is not in the tree. */
    static final int NOWHERE = -2;

    private final int fanout;
    private final int[] parents;

    Topology(final int nodes, final int fanout) {
        this.fanout = fanout;
        this.parents = new int[nodes];
        Arrays.fill(parents, NOWHERE);
    }

    /** Puts nodes below the server, level by level, in the given order; for the beginning. */
    void form(final List<Integer> nodes) {
        for (int place = 0; place < nodes.size(); place++) {
            parents[nodes.get(place)] = place < fanout ? SessionContext.SERVER : nodes.get(place / fanout - 1);
        }
    }

    boolean contains(final int node) {
        return parents[node] != NOWHERE;
    }

    /** Returns who feeds a node: an index, {@link SessionContext#SERVER} or {@link #NOWHERE}. */
    int parent(final int node) {
        return parents[node];
    }

    /** Returns whom a node (or the server) feeds. */
    List<Integer> children(final int parent) {
        final List<Integer> children = new ArrayList<>();
        for (int node = 0; node < parents.length; node++) {
            if (parents[node] == parent) {
                children.add(node);
            }
        }
        return children;
    }

    /** Takes a node out; its children go to its parent, which is returned. */
    int remove(final int node) {
        final int heir = parents[node];
        for (int child = 0; child < parents.length; child++) {
            if (parents[child] == node) {
                parents[child] = heir;
            }
        }
        parents[node] = NOWHERE;
        return heir;
    }

    /** Puts a node where there is room first, level by level from the server: at the end of a chain. Returns its parent. */
    int add(final int node) {
        final ArrayDeque<Integer> level = new ArrayDeque<>(List.of(SessionContext.SERVER));
        while (true) {
            final int candidate = level.removeFirst();
            final List<Integer> children = children(candidate);
            children.remove(Integer.valueOf(node));
            if (children.size() < fanout || (level.isEmpty() && children.isEmpty())) {
                parents[node] = candidate;
                return candidate;
            }
            level.addAll(children);
        }
    }

    /**
     * Puts a node, with everything below it, under another parent than now: the nearest of its ancestors above the
     * present one, or else the first node that is not below it.
     *
     * @param inVain parents that are out of the question.
     * @return the new parent, or {@link #NOWHERE} when there is no other; then nothing has changed.
     */
    int moveUp(final int node, final Set<Integer> inVain) {
        final int old = parents[node];
        for (int at = old; at >= 0; at = parents[at]) {
            if (parents[at] != NOWHERE && !inVain.contains(parents[at])) {
                parents[node] = parents[at];
                return parents[node];
            }
        }
        for (int other = 0; other < parents.length; other++) {
            if (other != old && contains(other) && !inVain.contains(other) && !isBelow(other, node)) {
                parents[node] = other;
                return other;
            }
        }
        return NOWHERE;
    }

    /** Returns how many hops a node of the tree is away from the server. */
    int depth(final int node) {
        int hops = 0;
        for (int at = node; at >= 0; at = parents[at]) {
            hops++;
        }
        return hops;
    }

    private boolean isBelow(final int node, final int ancestor) {
        for (int at = node; at >= 0; at = parents[at]) {
            if (at == ancestor) {
                return true;
            }
        }
        return false;
    }
}
