package io.replicate.ring.dolly;

import java.util.ArrayList;
import java.util.List;

/**
 * Who feeds whom: the children of node {@code me} are {@code (me + 1) * fanout + k}, and the server is number -1.
 *
 * @param nodes how many clients there are.
 * @param fanout how many children a node has at most.
 */
record Topology(int nodes, int fanout) {
    static final int SERVER = -1;

    List<Integer> childrenOf(final int me) {
        final List<Integer> children = new ArrayList<>(fanout);
        final long first = (me + 1L) * fanout;
        for (long child = first; child < Math.min(first + fanout, nodes); child++) {
            children.add((int) child);
        }
        return children;
    }

    int parentOf(final int me) {
        return me / fanout - 1;
    }

    boolean isLast(final int me) {
        return childrenOf(me).isEmpty();
    }

    /** Returns a node and everybody behind it, in order. */
    List<Integer> subtree(final int me) {
        final List<Integer> all = new ArrayList<>(List.of(me));
        for (int i = 0; i < all.size(); i++) {
            all.addAll(childrenOf(all.get(i)));
        }
        return all;
    }
}
