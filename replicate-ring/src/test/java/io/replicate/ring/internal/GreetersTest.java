package io.replicate.ring.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.replicate.core.block.Block;
import io.replicate.core.spi.FileSlice;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Peer;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(240)
class GreetersTest {
    private static final int MANY = 64;

    private final Greeters greeters = new Greeters();
    private final List<Silent> links = new ArrayList<>();

    /** A link from a host, on which nobody ever says anything. */
    private static final class Silent implements Link {
        private final String address;
        private final CountDownLatch closed = new CountDownLatch(1);
        private volatile boolean heard;

        Silent(final String address) {
            this.address = address;
        }

        /** What a greeter does: listens until the link ends. */
        void talk() {
            heard = true;
            try {
                closed.await();
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        boolean isTurnedAway() {
            return closed.getCount() == 0;
        }

        @Override
        public void send(final Block... blocks) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void send(final ByteBuffer... buffers) {
            throw new UnsupportedOperationException();
        }

        @Override
        public int receive(final ByteBuffer into) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long sendFile(final FileSlice slice) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void timeout(final Duration idle) {}

        @Override
        public void shutdownOutput() {}

        @Override
        public Peer peer() {
            return Peer.anonymous(address);
        }

        @Override
        public void close() {
            closed.countDown();
        }
    }

    private Silent connect(final String address) {
        final Silent link = new Silent(address);
        links.add(link);
        greeters.greet(link, any -> link.talk());
        return link;
    }

    @AfterEach
    void close() {
        links.forEach(Silent::close);
        greeters.close();
    }

    @Test
    void aNewcomerIsHeardHoweverManyAreSilent() {
        for (int i = 0; i < 3 * MANY; i++) {
            connect("10.0.0.66:" + (1000 + i));
        }
        final Silent server = connect("10.0.0.1:5000");

        await().atMost(java.time.Duration.ofSeconds(60)).until(() -> server.heard);
        assertThat(server.isTurnedAway()).isFalse();
        assertThat(links.stream().filter(link -> !link.isTurnedAway())).hasSize(MANY);
    }

    @Test
    void whoIsTurnedAwayIsTheOldestOfTheHostThatHasMost() {
        final Silent patient = connect("[fe80::1]:5000");
        final Silent oldest = connect("10.0.0.66:1000");
        for (int i = 1; i < MANY; i++) {
            connect("10.0.0.66:" + (1000 + i));
        }

        assertThat(oldest.isTurnedAway()).isTrue();
        assertThat(patient.isTurnedAway()).isFalse();
    }

    @Test
    void whoHasSaidWhoHeIsStays() {
        final Silent server = connect("10.0.0.1:5000");
        greeters.known(server);
        for (int i = 0; i < MANY + 10; i++) {
            connect("10.0.0.1:" + (6000 + i));
        }

        assertThat(server.isTurnedAway()).isFalse();
        assertThat(links.stream().filter(Silent::isTurnedAway)).hasSize(10);
    }
}
