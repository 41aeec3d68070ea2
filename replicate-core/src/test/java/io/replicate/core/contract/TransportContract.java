package io.replicate.core.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import io.replicate.core.spi.Transport;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** The behaviour of every {@link Transport} that can listen; and that of its links, as {@link LinkContract} has it. */
public abstract class TransportContract extends LinkContract {
    /** What a test waits for a peer that does come. */
    protected static final Duration LONG = Duration.ofSeconds(20);

    private final List<AutoCloseable> toClose = new ArrayList<>();

    /** Makes the transport that listens. */
    protected abstract Transport newServer() throws Exception;

    /** Makes the transport that connects. */
    protected abstract Transport newClient() throws Exception;

    /** Returns an address to listen at; every call another one, or one with port 0. */
    protected abstract Locator listenAddress() throws Exception;

    /** Has something closed behind the test, the last first. */
    protected final <T extends AutoCloseable> T closing(final T resource) {
        toClose.add(0, resource);
        return resource;
    }

    @AfterEach
    final void closeTheRest() throws Exception {
        for (final AutoCloseable resource : toClose) {
            resource.close();
        }
    }

    @Override
    protected Pair newPair() throws Exception {
        return join(closing(closing(newServer()).listen(listenAddress())), closing(newClient()));
    }

    /** Connects a client with a listener. */
    protected final Pair join(final Listener listener, final Transport client) throws Exception {
        final Future<Link> near = async(() -> client.connect(listener.local(), LONG));
        final Link far = Objects.requireNonNull(listener.accept(LONG), "nobody came");
        return new Pair(result(near), far);
    }

    @Test
    final void nobodyComesWithinTheTimeout() throws Exception {
        final Listener listener = closing(closing(newServer()).listen(listenAddress()));

        assertThat(listener.accept(Duration.ZERO)).isNull();
        assertThat(listener.accept(SHORT)).isNull();
    }

    @Test
    final void connectingToNobodyEndsWithRetry() throws Exception {
        final Listener listener = newServer().listen(listenAddress());
        final Locator address = listener.local();
        listener.close();

        assertThatThrownBy(() -> closing(newClient()).connect(address, LONG))
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.RETRY))
                .hasMessageContaining(address.toString());
    }

    @Test
    final void closingWakesWhoeverAccepts() throws Exception {
        final Listener listener = newServer().listen(listenAddress());
        final CountDownLatch begun = new CountDownLatch(1);
        final Future<Link> acceptor = async(() -> {
            begun.countDown();
            return listener.accept(Duration.ofSeconds(50));
        });
        begun.await();

        listener.close();
        listener.close();

        assertThatThrownBy(() -> result(acceptor)).isInstanceOf(AsynchronousCloseException.class);
        assertThatThrownBy(() -> listener.accept(SHORT)).isInstanceOf(AsynchronousCloseException.class);
    }

    @Test
    final void manyPeersAreServedByOneListener() throws Exception {
        final Listener listener = closing(closing(newServer()).listen(listenAddress()));
        final Transport client = closing(newClient());

        for (int i = 0; i < 20; i++) {
            final Pair pair = join(listener, client);
            closing(pair.near()).send(ByteBuffer.wrap(new byte[] {(byte) i}));
            assertThat(receive(closing(pair.far()), 1)).containsExactly(i);
        }
    }

    @Test
    final void anAddressCanBeUsedAgainAfterItsListenerIsClosed() throws Exception {
        final Transport server = closing(newServer());
        final Listener first = server.listen(listenAddress());
        final Locator address = first.local();
        final Pair pair = join(first, closing(newClient()));
        closing(pair.near());
        closing(pair.far());
        first.close();

        final Listener second = closing(server.listen(address));

        assertThat(second.local()).isEqualTo(address);
    }

    @Test
    final void anAddressInUseIsRefused() throws Exception {
        final Transport server = closing(newServer());
        final Listener first = closing(server.listen(listenAddress()));

        assertThatThrownBy(() -> closing(server.listen(first.local())))
                .isInstanceOf(ReplicationException.class)
                .hasMessageContaining(first.local().toString());
    }

    @Test
    final void aLinkLivesOnWhenItsListenerIsClosed() throws Exception {
        final Listener listener = newServer().listen(listenAddress());
        final Pair pair = join(listener, closing(newClient()));
        listener.close();

        closing(pair.near()).send(ByteBuffer.wrap(new byte[] {3}));

        assertThat(receive(closing(pair.far()), 1)).containsExactly(3);
    }

    @Test
    final void descriptorsAreGivenBack() throws Exception {
        Assumptions.assumeTrue(
                Files.isDirectory(Path.of("/proc/self/fd")), "does not apply: descriptors are counted in /proc");
        final Transport server = closing(newServer());
        final Transport client = closing(newClient());
        openAndClose(server, client, 5); // classes and pools are loaded now
        // Other tests may run beside this one, and open many at once; a leak of one in each round shows every time.
        long more = Long.MAX_VALUE;
        for (int attempt = 0; attempt < 5 && more >= 30; attempt++) {
            final long before = openDescriptors();
            openAndClose(server, client, 40);
            more = openDescriptors() - before;
        }

        assertThat(more).isLessThan(30);
    }

    private void openAndClose(final Transport server, final Transport client, final int rounds) throws Exception {
        for (int i = 0; i < rounds; i++) {
            try (Listener listener = server.listen(listenAddress())) {
                final Pair pair = join(listener, client);
                pair.near().send(ByteBuffer.wrap(new byte[1]));
                receive(pair.far(), 1);
                pair.near().close();
                pair.far().close();
            }
        }
    }

    private static long openDescriptors() throws IOException {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            return descriptors.count();
        }
    }
}
