package io.replicate.examples.cli;

import io.replicate.ring.NodeReport;
import io.replicate.ring.RingListener;
import java.io.PrintWriter;
import java.util.Locale;

/** Tells what happens in a ring, a line each. */
final class RingNarrator implements RingListener {
    private final PrintWriter to;

    RingNarrator(final PrintWriter to) {
        this.to = to;
    }

    @Override
    public void event(final String text) {
        to.println("ring: " + text);
        to.flush();
    }

    @Override
    public void nodeChanged(final NodeReport node, final String why) {
        event(node.name() + " " + node.state().name().toLowerCase(Locale.ROOT) + ": " + why);
    }
}
