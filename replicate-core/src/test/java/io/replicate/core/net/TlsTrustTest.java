package io.replicate.core.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.Link;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who is let in, and who is not. */
@Timeout(240)
class TlsTrustTest {
    private static final Duration LONG = Duration.ofSeconds(20);
    private static final Duration SHORT = Duration.ofMillis(300);

    @TempDir
    Path directory;

    private final List<AutoCloseable> toClose = new ArrayList<>();
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private TestCertificates authority;
    private Path good;
    private Path secret;

    @BeforeEach
    void issue() throws Exception {
        authority = new TestCertificates();
        good = authority.write(directory.resolve("good"));
        secret = TlsSecretTransportTest.secretFile(directory.resolve("secret"), "correct horse battery staple");
    }

    @AfterEach
    void closeAll() throws Exception {
        for (final AutoCloseable resource : toClose) {
            resource.close();
        }
        threads.shutdownNow();
    }

    private Listener listen(final String parameters) throws IOException {
        final Locator locator = Locator.parse("tls://127.0.0.1:0?" + parameters);
        final Listener listener = TlsTransport.of(locator).listen(locator);
        toClose.add(0, listener);
        return listener;
    }

    private Link connect(final Listener listener, final String parameters) throws IOException {
        final Locator locator = Locator.parse(listener.local() + "?" + parameters);
        final Link link = TlsTransport.of(locator).connect(locator, LONG);
        toClose.add(0, link);
        return link;
    }

    private Link accept(final Listener listener) throws IOException {
        final Link link = listener.accept(LONG);
        toClose.add(0, link);
        return link;
    }

    /** The client gets FAIL_JOB with this text, and the server hands out nothing. */
    private void assertRefused(final Listener listener, final String parameters, final String text) throws Exception {
        assertFails(() -> connect(listener, parameters), text);
        assertThat(listener.accept(SHORT)).isNull();
    }

    private static void assertFails(final ThrowingCallable attempt, final String text) {
        assertThatThrownBy(attempt)
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.FAIL_JOB))
                .hasMessageContaining(text);
    }

    @Test
    void bothSidesLearnTheOthersSubject() throws Exception {
        final Listener listener = listen("certificates=" + good);
        final Link near = connect(listener, "certificates=" + good);
        final Link far = accept(listener);

        assertThat(near.peer().identity()).contains("CN=node1");
        assertThat(near.peer().authenticated()).isTrue();
        assertThat(far.peer().identity()).contains("CN=node2");
        assertThat(far.peer().authenticated()).isTrue();
        assertThat(near.fd()).isEmpty();
    }

    @Test
    void aServerOfAnotherCaIsRefused() throws Exception {
        final Path other = new TestCertificates().write(directory.resolve("other"));

        assertRefused(listen("certificates=" + other), "certificates=" + good, "not of our CA");
    }

    @Test
    void aClientOfAnotherCaIsRefused() throws Exception {
        final Path other = directory.resolve("other");
        new TestCertificates().write(other, "client", TestCertificates.client());
        authority.writeAuthority(other);

        assertRefused(listen("certificates=" + good), "certificates=" + other, "alert");
    }

    @Test
    void aClientWithoutACertificateIsRefused() throws Exception {
        final Path authorityOnly = authority.writeAuthority(directory.resolve("nothing"));

        assertRefused(listen("certificates=" + good), "certificates=" + authorityOnly, "demands a certificate");
    }

    @Test
    void aClientWithoutACertificateIsTakenWhereTheServerDoesNotVerify() throws Exception {
        final Path authorityOnly = authority.writeAuthority(directory.resolve("nothing"));
        final Listener listener = listen("verify-peer=false&certificates=" + good);

        final Link near = connect(listener, "certificates=" + authorityOnly);
        final Link far = accept(listener);

        assertThat(near.peer().authenticated()).isFalse();
        assertThat(far.peer().authenticated()).isFalse();
        assertThat(far.peer().identity()).isEmpty();
    }

    @Test
    void anExpiredServerIsRefused() throws Exception {
        final Path expired = authority.write(directory.resolve("expired"));
        authority.write(expired, "server", TestCertificates.expired(TestCertificates.server()));

        assertRefused(listen("certificates=" + expired), "certificates=" + good, "expired");
    }

    @Test
    void anExpiredClientIsRefused() throws Exception {
        final Path expired = authority.write(directory.resolve("expired"));
        authority.write(expired, "client", TestCertificates.expired(TestCertificates.client()));

        assertRefused(listen("certificates=" + good), "certificates=" + expired, "alert");
    }

    @Test
    void aCertificateForAnotherHostIsRefused() throws Exception {
        final Path wrong = authority.write(directory.resolve("wrong"));
        authority.write(
                wrong,
                "server",
                new io.netty.pkitesting.CertificateBuilder()
                        .subject("CN=elsewhere")
                        .ecp256()
                        .addSanDnsName("elsewhere.example"));
        final Listener listener = listen("certificates=" + wrong);

        assertRefused(listener, "certificates=" + good, "not the one for this host");

        connect(listener, "hostname=elsewhere.example&certificates=" + good);
        accept(listener);
    }

    @Test
    void aRevokedClientIsRefused() throws Exception {
        authority.writeRevocations(good, "client-cert.pem");

        // the client reads the same list, in which the server does not stand
        assertRefused(listen("certificates=" + good), "certificates=" + good, "alert");
    }

    @Test
    void whoIsNotRevokedIsLetIn() throws Exception {
        final Path other = authority.write(directory.resolve("other"));
        authority.writeRevocations(good, "client-cert.pem");
        Files.copy(good.resolve("ca-crl.pem"), other.resolve("ca-crl.pem"));
        final Listener listener = listen("certificates=" + good);

        connect(listener, "certificates=" + other);

        accept(listener);
    }

    @Test
    void aRevokedServerIsRefused() throws Exception {
        final Path other = authority.write(directory.resolve("other"));
        authority.writeRevocations(other, "server-cert.pem");

        assertRefused(listen("certificates=" + other), "certificates=" + withListOf(other), "revoked");
    }

    /** Returns a client's directory with the list of another. */
    private Path withListOf(final Path other) throws Exception {
        final Path client = authority.write(directory.resolve("client"));
        Files.copy(other.resolve("ca-crl.pem"), client.resolve("ca-crl.pem"));
        return client;
    }

    @Test
    void aSharedSecretProvesBothSides() throws Exception {
        final Listener listener = listen("secret-file=" + secret);
        final Link near = connect(listener, "secret-file=" + secret);
        final Link far = accept(listener);

        assertThat(near.peer().authenticated()).isTrue();
        assertThat(far.peer().authenticated()).isTrue();
        assertThat(listener.local().toString()).doesNotContain("secret");
    }

    @Test
    void aSecretAndCertificatesGoTogether() throws Exception {
        final String parameters = "secret-file=" + secret + "&certificates=" + good;
        final Listener listener = listen(parameters);

        assertThat(connect(listener, parameters).peer().identity()).contains("CN=node1");
        assertThat(accept(listener).peer().identity()).contains("CN=node2");
        assertRefused(listener, "certificates=" + good, "shared secret");
    }

    @Test
    void anotherSecretIsRefused() throws Exception {
        final Path other = TlsSecretTransportTest.secretFile(directory.resolve("other"), "wrong horse battery staple");

        assertRefused(listen("secret-file=" + secret), "secret-file=" + other, "secret");
    }

    @Test
    void aSecretOnTheServerOnlyIsRefused() throws Exception {
        assertRefused(
                listen("secret-file=" + secret + "&certificates=" + good), "certificates=" + good, "shared secret");
    }

    @Test
    void aSecretOnTheClientOnlyIsRefused() throws Exception {
        assertRefused(
                listen("certificates=" + good), "secret-file=" + secret + "&certificates=" + good, "shared secret");
    }

    @Test
    void aManInTheMiddleGainsNothing() throws Exception {
        final Listener server = listen("secret-file=" + secret);
        final Locator anywhere = Locator.parse("tcp://127.0.0.1:0");
        final Listener middle = SocketTransport.of(anywhere).listen(anywhere);
        toClose.add(0, middle);
        final Future<?> attack = threads.submit(() -> relayInTheMiddle(middle, server.local()));

        assertFails(() -> connect(new Named(middle), "secret-file=" + secret), "in between");

        attack.get(30, TimeUnit.SECONDS);
        assertThat(server.accept(SHORT)).isNull();
    }

    /** Speaks TLS to both, with a certificate of its own, and passes on what they say to each other. */
    private Void relayInTheMiddle(final Listener middle, final Locator server) throws Exception {
        final Locator tcp = Locator.parse("tcp:" + server.rest());
        try (Link toClient = speakTls(middle.accept(LONG), true);
                Link toServer = speakTls(SocketTransport.of(tcp).connect(tcp, LONG), false)) {
            CompletableFuture.allOf(
                            CompletableFuture.runAsync(() -> pump(toClient, toServer), threads),
                            CompletableFuture.runAsync(() -> pump(toServer, toClient), threads))
                    .get(30, TimeUnit.SECONDS);
        }
        return null;
    }

    private static Link speakTls(final Link plain, final boolean asServer) throws IOException {
        final SSLEngine engine = TlsIdentity.ephemeral(asServer).context().createSSLEngine("127.0.0.1", -1);
        engine.setUseClientMode(!asServer);
        final SSLParameters parameters = engine.getSSLParameters();
        parameters.setApplicationProtocols(new String[] {"replicate-secret/1"});
        engine.setSSLParameters(parameters);
        final TlsLink link = new TlsLink(plain, engine);
        link.handshake(Deadline.in(LONG));
        return link;
    }

    private static void pump(final Link from, final Link to) {
        final ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
        try {
            while (from.receive(buffer.clear()) >= 0) {
                to.send(buffer.flip());
            }
            to.shutdownOutput();
        } catch (final IOException e) {
            // one of them has hung up: that is what they should do
        }
    }

    /** A plain listener that is called by the name of a TLS one. */
    private record Named(Listener below) implements Listener {
        @Override
        public Locator local() {
            try {
                return Locator.parse("tls:" + below.local().rest());
            } catch (final ReplicationException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public Link accept(final Duration timeout) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {}
    }

    @Test
    void strangersWhoSayNothingKeepNobodyWaiting() throws Exception {
        final Listener listener = listen("secret-file=" + secret);
        final Locator tcp = Locator.parse("tcp:" + listener.local().rest());
        for (int i = 0; i < 100; i++) {
            toClose.add(0, SocketTransport.of(tcp).connect(tcp, LONG));
        }

        connect(listener, "secret-file=" + secret);

        accept(listener);
    }

    @Test
    void aCrowdThatComesAtOnceIsServed() throws Exception {
        final Listener listener = listen("secret-file=" + secret);
        final List<Future<Link>> crowd = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            final Locator locator = Locator.parse(listener.local() + "?secret-file=" + secret);
            crowd.add(threads.submit(() -> TlsTransport.of(locator).connect(locator, LONG)));
        }
        for (int i = 0; i < crowd.size(); i++) {
            assertThat(accept(listener)).isNotNull();
        }
        for (final Future<Link> one : crowd) {
            one.get(60, TimeUnit.SECONDS).close();
        }
    }

    @Test
    void garbageAndPortScansKeepNobodyOut() throws Exception {
        final Listener listener = listen("certificates=" + good);
        final Locator tcp = Locator.parse("tcp:" + listener.local().rest());
        SocketTransport.of(tcp).connect(tcp, LONG).close();
        final Link garbage = SocketTransport.of(tcp).connect(tcp, LONG);
        toClose.add(0, garbage);
        garbage.send(ByteBuffer.wrap("GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));

        connect(listener, "certificates=" + good);

        accept(listener);
    }

    @Test
    void aServerThatSpeaksSomethingElseIsNamed() throws Exception {
        final Locator anywhere = Locator.parse("tcp://127.0.0.1:0");
        final Listener plain = SocketTransport.of(anywhere).listen(anywhere);
        toClose.add(0, plain);
        threads.submit(() -> {
            final Link link = plain.accept(LONG);
            toClose.add(0, link);
            link.send(ByteBuffer.wrap("220 mail.example ESMTP\r\n".getBytes(StandardCharsets.US_ASCII)));
            return link;
        });

        assertFails(() -> connect(new Named(plain), "certificates=" + good), "does not speak TLS");
    }

    @Test
    void aServerWithNothingToProveItselfByIsTheUsersMistake() {
        assertThatThrownBy(() -> listen(""))
                .satisfies(e -> assertThat(ReplicationException.categoryOf(e)).isEqualTo(Category.MISUSE))
                .hasMessageContaining("secret-file=FILE");
    }

    @Test
    void anUnknownParameterIsTheUsersMistake() {
        assertThatThrownBy(() -> listen("certificate=" + good))
                .satisfies(e -> assertThat(ReplicationException.categoryOf(e)).isEqualTo(Category.MISUSE))
                .hasMessageContaining("unknown parameter 'certificate'")
                .hasMessageContaining("certificates, hostname, secret-file, verify-peer");
    }

    @Test
    void aMissingKeyIsNamed() throws Exception {
        Files.delete(good.resolve("server-key.pem"));

        assertThatThrownBy(() -> listen("certificates=" + good))
                .satisfies(e -> assertThat(ReplicationException.categoryOf(e)).isEqualTo(Category.MISUSE))
                .hasMessageContaining("server-key.pem: there is no such file");
    }
}
