package io.replicate.ring.dolly;

import io.replicate.core.net.Links;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.AsynchronousCloseException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Where a client waits for its parent. Every control connection is heard on a thread of its own, so that a port scan, a
 * wrong password or a silent stranger neither ends the client nor keeps the right parent out.
 */
final class Door implements AutoCloseable {
    private static final Duration TICK = Duration.ofMillis(200);
    private static final Duration SAME_HOST_WAIT = Duration.ofSeconds(3);
    private static final Duration INDEX_WAIT = Duration.ofSeconds(10);
    private static final int MAX_CANDIDATES = 32;

    private final DollyOptions options;
    private final Listener control;
    private final Listener data;
    private final @Nullable Password password;
    private final ArrayBlockingQueue<Object> heard = new ArrayBlockingQueue<>(MAX_CANDIDATES * 2);
    private final List<ControlLink> candidates = new ArrayList<>();
    private final List<Link> others = new ArrayList<>();
    private final AtomicInteger speaking = new AtomicInteger();

    Door(final DollyOptions options, final Sockets sockets) throws IOException {
        this.options = options;
        this.password = options.password() == null ? null : Password.of(options.password());
        this.control = sockets.listenControl();
        try {
            this.data = sockets.listenData();
        } catch (final IOException e) {
            control.close();
            throw e;
        }
    }

    int controlPort() {
        return port(control);
    }

    int dataPort() {
        return port(data);
    }

    private static int port(final Listener listener) {
        final String rest = listener.local().rest();
        return Integer.parseInt(rest.substring(rest.lastIndexOf(':') + 1).replaceAll("[^0-9].*", ""));
    }

    /**
     * Waits for a parent that says who it is and what to do.
     *
     * @throws ReplicationException RETRY when none came in time; CANCELLED when asked to end, or closed.
     */
    Admission admit(final Duration wait) throws IOException {
        final Deadline deadline = Deadline.in(wait.isZero() ? ControlLink.FOR_EVER : wait);
        try {
            while (true) {
                final @Nullable Object word = heard.poll();
                if (word instanceof Admission admission) {
                    keepOnly(admission.control());
                    return admission;
                }
                if (word instanceof ParentHandshake.Killed killed) {
                    throw killed;
                }
                if (deadline.passed()) {
                    throw ReplicationException.retry(
                            "no server came within " + wait.toSeconds() + " s (port " + controlPort() + ")", null);
                }
                // while somebody speaks, look whether he has finished
                final @Nullable Link link = control.accept(speaking.get() > 0 ? Duration.ofMillis(5) : TICK);
                if (link != null) {
                    hear(new ControlLink(link));
                }
            }
        } catch (final AsynchronousCloseException e) {
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "stopped", e);
        } finally {
            keepOnly(null);
        }
    }

    private void hear(final ControlLink link) throws IOException {
        final @Nullable ControlLink oldest;
        synchronized (candidates) {
            candidates.add(link);
            oldest = candidates.size() > MAX_CANDIDATES ? candidates.remove(0) : null;
        }
        if (oldest != null) {
            oldest.close();
        }
        speaking.incrementAndGet();
        Threads.start("dolly-hear-" + link.peer(), () -> {
            Object result = null;
            try {
                result = new ParentHandshake(link, password, options.killable()).run();
            } catch (final ParentHandshake.Killed e) {
                result = e;
            } catch (final IOException e) {
                if (e instanceof ReplicationException r && r.category() != ReplicationException.Category.CANCELLED) {
                    options.listener().warning(link.peer() + " " + e.getMessage() + "; waiting for another server");
                }
            }
            if (result == null || !heard.offer(result)) {
                forget(link);
            }
            speaking.decrementAndGet();
        });
    }

    private void forget(final ControlLink link) {
        synchronized (candidates) {
            candidates.remove(link);
        }
        Threads.closeQuietly(link);
    }

    private void keepOnly(final @Nullable ControlLink kept) {
        final List<ControlLink> rest;
        synchronized (candidates) {
            if (kept != null) {
                candidates.remove(kept);
            }
            rest = new ArrayList<>(candidates);
            candidates.clear();
        }
        rest.forEach(Threads::closeQuietly);
    }

    /** Hears those that come during a run: one may ask to take the place of a parent that has died. */
    interface Takeover {
        /** Decides about a request; takes over the connection. */
        void request(ControlLink control, String line) throws IOException;
    }

    /** Goes on listening for control connections, until it is closed. */
    void watch(final Takeover takeover) {
        Threads.start("dolly-watch", () -> {
            try {
                while (true) {
                    final @Nullable Link link = control.accept(TICK);
                    if (link != null && speaking.get() < MAX_CANDIDATES) {
                        hearDuringRun(new ControlLink(link), takeover);
                    } else if (link != null) {
                        Threads.closeQuietly(link);
                    }
                }
            } catch (final IOException e) {
                return; // closed: the run is over
            }
        });
    }

    private void hearDuringRun(final ControlLink link, final Takeover takeover) {
        speaking.incrementAndGet();
        Threads.start("dolly-hear-" + link.peer(), () -> {
            boolean kept = false;
            try {
                final byte[] first = link.takeOrEnd(Extension.MAGIC.length, INDEX_WAIT);
                final @Nullable String line = Arrays.equals(first, Extension.MAGIC) ? link.line(INDEX_WAIT) : null;
                if (line != null) {
                    kept = true;
                    takeover.request(link, line);
                }
            } catch (final IOException e) {
                kept = false;
            } finally {
                if (!kept) {
                    Threads.closeQuietly(link);
                }
                speaking.decrementAndGet();
            }
        });
    }

    /** Returns the next data connection from the same host as a control connection, or null when none comes in time. */
    @Nullable
    Link dataOf(final ControlLink parent, final Deadline deadline) throws IOException {
        return sameHost(parent, deadline);
    }

    /** Returns the data connections of the admitted parent, in the order of their numbers. */
    Link[] data(final Admission admission, final int links) throws IOException {
        final Link[] all = new Link[links];
        final Deadline deadline = Deadline.in(options.startWait());
        for (int missing = links; missing > 0; ) {
            final @Nullable Link link =
                    links == 1 ? sameHost(admission.control(), deadline) : data.accept(deadline.left());
            if (link == null) {
                throw ReplicationException.retry(
                        admission.control().peer() + " did not open its data connection within "
                                + options.startWait().toSeconds() + " s",
                        null);
            }
            final int index = links == 1 ? 0 : index(link);
            if (index < 0 || index >= links || all[index] != null) {
                link.close();
                continue;
            }
            all[index] = link;
            missing--;
        }
        return all;
    }

    /** Returns the next data connection from the admitted parent, another one's only when that does not come. */
    private @Nullable Link sameHost(final ControlLink parent, final Deadline deadline) throws IOException {
        @Nullable Deadline grace = null;
        while (!deadline.passed()) {
            final Deadline until = grace == null ? deadline : grace;
            final @Nullable Link link = data.accept(until.left());
            if (link == null && !others.isEmpty()) {
                return others.remove(0);
            }
            if (link != null && ControlLink.hostOf(link).equals(parent.peerHost())) {
                return link;
            }
            if (link != null) {
                others.add(link);
                grace = grace == null ? Deadline.in(SAME_HOST_WAIT) : grace;
            }
        }
        return others.isEmpty() ? null : others.remove(0);
    }

    /** Returns another data connection when the first one turns out to be one that a dead server had left behind. */
    @Nullable
    Link nextData(final Duration wait) throws IOException {
        return others.isEmpty() ? data.accept(wait) : others.remove(0);
    }

    private int index(final Link link) throws IOException {
        final ByteBuffer bytes = ByteBuffer.allocateDirect(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        link.timeout(INDEX_WAIT);
        try {
            return Links.receiveFully(link, bytes) ? bytes.flip().getInt() : -1;
        } catch (final ReplicationException e) {
            return -1;
        }
    }

    @Override
    public void close() throws IOException {
        keepOnly(null);
        others.forEach(Threads::closeQuietly);
        try (control) {
            data.close();
        }
    }
}
