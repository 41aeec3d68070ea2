package io.replicate.ring;

import io.replicate.core.block.Block;
import io.replicate.core.net.SocketTransport;
import io.replicate.core.spi.FileSlice;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Peer;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Transport;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A network of named members over TCP on loopback, whose links can be frozen (they stand still and stay open), cut (they
 * break, and no new ones come up), slowed and corrupted. A member's name is a parameter of its locators:
 * {@code faulty://127.0.0.1:0?net=1&name=n2}.
 */
final class FaultyNet {
    private static final Map<String, FaultyNet> NETS = new ConcurrentHashMap<>();
    private static final AtomicInteger NEXT = new AtomicInteger();

    private final String id = Integer.toString(NEXT.incrementAndGet());
    private final Map<Integer, String> names = new ConcurrentHashMap<>();
    private final List<FaultyLink> links = new CopyOnWriteArrayList<>();
    private final Set<String> frozen = new HashSet<>();
    private final Set<String> cut = new HashSet<>();
    private final Map<String, AtomicInteger> corrupt = new ConcurrentHashMap<>();
    private final Map<String, Long> pausesNs = new ConcurrentHashMap<>();

    FaultyNet() {
        NETS.put(id, this);
    }

    static Transport transport(final Locator locator) throws IOException {
        final FaultyNet net = NETS.get(locator.parameter("net").orElseThrow());
        return net.new Member(locator.parameter("name").orElseThrow());
    }

    String query(final String name) {
        return "?net=" + id + "&name=" + name;
    }

    private static String key(final String from, final String to) {
        return from + ">" + to;
    }

    /** Everything from and to a member stands still; its links stay open. */
    synchronized void freeze(final String name) {
        frozen.add(name);
    }

    /** Only the links that {@code from} has made to {@code to} stand still. */
    synchronized void freeze(final String from, final String to) {
        frozen.add(key(from, to));
    }

    synchronized void thaw() {
        frozen.clear();
        notifyAll();
    }

    /** Breaks every link of a member, and lets it make no new ones. */
    void cut(final String name) {
        synchronized (this) {
            cut.add(name);
        }
        links.stream()
                .filter(link -> link.from.equals(name) || link.to.equals(name))
                .forEach(FaultyLink::shut);
    }

    /** Breaks the links that one member has made to another, and lets it make no new ones. */
    void cut(final String from, final String to) {
        synchronized (this) {
            cut.add(key(from, to));
        }
        links.stream()
                .filter(link -> link.from.equals(from) && link.to.equals(to))
                .forEach(FaultyLink::shut);
    }

    synchronized void mend() {
        cut.clear();
    }

    /** Changes a byte of the next {@code frames} payloads that {@code from} sends to {@code to} on links it has made. */
    void corrupt(final String from, final String to, final int frames) {
        corrupt.put(key(from, to), new AtomicInteger(frames));
    }

    /** Returns how many payloads are still to be changed. */
    int toCorrupt(final String from, final String to) {
        return corrupt.get(key(from, to)).get();
    }

    /** Lets each send from one member to another take so long. */
    void slow(final String from, final String to, final Duration pause) {
        pausesNs.put(key(from, to), pause.toNanos());
    }

    /** Lets go of what is left of the network. */
    void close() {
        thaw();
        links.forEach(FaultyLink::shut);
        NETS.remove(id);
    }

    private synchronized boolean isCut(final String from, final String to) {
        return cut.contains(from) || cut.contains(to) || cut.contains(key(from, to));
    }

    private boolean isFrozen(final String from, final String to) {
        return frozen.contains(from) || frozen.contains(to) || frozen.contains(key(from, to));
    }

    private final class Member implements Transport {
        private final String name;
        private final Transport tcp;

        Member(final String name) throws IOException {
            this.name = name;
            this.tcp = SocketTransport.of(Locator.parse("tcp://"));
        }

        private Locator plain(final Locator locator) throws IOException {
            return Locator.parse("tcp:" + locator.rest());
        }

        private int port(final Locator locator) {
            return Integer.parseInt(locator.rest().substring(locator.rest().lastIndexOf(':') + 1));
        }

        @Override
        public Link connect(final Locator peer, final Duration timeout) throws IOException {
            final String to = names.getOrDefault(port(peer), "nobody");
            if (isCut(name, to)) {
                throw ReplicationException.retry("connect " + to + ": no route to host", null);
            }
            final FaultyLink link = new FaultyLink(tcp.connect(plain(peer), timeout), name, to);
            links.add(link);
            return link;
        }

        @Override
        public Listener listen(final Locator local) throws IOException {
            final Listener listener = tcp.listen(plain(local));
            names.put(port(listener.local()), name);
            return listener;
        }

        @Override
        public void close() throws IOException {
            tcp.close();
        }
    }

    private final class FaultyLink implements Link {
        private final Link behind;
        private final String from;
        private final String to;
        private volatile Duration timeout = Duration.ofSeconds(30);
        private volatile boolean closed;

        FaultyLink(final Link behind, final String from, final String to) {
            this.behind = behind;
            this.from = from;
            this.to = to;
        }

        private void passFreeze() throws IOException {
            final long deadline = System.nanoTime() + timeout.toNanos();
            synchronized (FaultyNet.this) {
                while (isFrozen(from, to)) {
                    final long left = deadline - System.nanoTime();
                    if (closed) {
                        throw ReplicationException.retry("link from " + from + " to " + to + " was closed", null);
                    }
                    if (left <= 0) {
                        throw ReplicationException.retry(
                                "nothing moved between " + from + " and " + to + " for " + timeout.toMillis() + " ms",
                                null);
                    }
                    try {
                        FaultyNet.this.wait(Math.max(1, left / 1_000_000));
                    } catch (final InterruptedException e) {
                        Thread.currentThread().interrupt();
                        throw ReplicationException.retry("interrupted", e);
                    }
                }
            }
        }

        @Override
        public void timeout(final Duration idle) {
            timeout = idle;
            behind.timeout(idle);
        }

        @Override
        public void send(final Block... blocks) throws IOException {
            passFreeze();
            behind.send(blocks);
        }

        @Override
        public void send(final ByteBuffer... buffers) throws IOException {
            passFreeze();
            final Long pause = pausesNs.get(key(from, to));
            if (pause != null) {
                java.util.concurrent.locks.LockSupport.parkNanos(pause);
            }
            final AtomicInteger left = corrupt.get(key(from, to));
            if (left != null && buffers.length > 1 && buffers[1].remaining() >= 4096 && left.getAndDecrement() > 0) {
                behind.send(buffers[0], changed(buffers[1]));
            } else {
                behind.send(buffers);
            }
        }

        private ByteBuffer changed(final ByteBuffer bytes) {
            final ByteBuffer copy =
                    ByteBuffer.allocateDirect(bytes.remaining()).put(bytes).flip();
            copy.put(100, (byte) (copy.get(100) ^ 0x20));
            return copy;
        }

        @Override
        public int receive(final ByteBuffer into) throws IOException {
            passFreeze();
            final int position = into.position();
            final int count = behind.receive(into);
            try {
                passFreeze(); // what came while the link was frozen has not come yet
            } catch (final IOException e) {
                into.position(position);
                shut();
                throw e;
            }
            return count;
        }

        @Override
        public long sendFile(final FileSlice slice) throws IOException {
            passFreeze();
            return behind.sendFile(slice);
        }

        @Override
        public void shutdownOutput() throws IOException {
            behind.shutdownOutput();
        }

        @Override
        public Peer peer() {
            return behind.peer();
        }

        void shut() {
            try {
                close();
            } catch (final IOException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void close() throws IOException {
            closed = true;
            synchronized (FaultyNet.this) {
                FaultyNet.this.notifyAll();
            }
            links.remove(this);
            behind.close();
        }
    }
}
