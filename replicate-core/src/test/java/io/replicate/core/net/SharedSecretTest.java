package io.replicate.core.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.net.SharedSecret.Role;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Peer;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(240)
class SharedSecretTest {
    private static final Duration LONG = Duration.ofSeconds(20);
    private static final Duration SHORT = Duration.ofMillis(300);
    private static final byte[] NO_BINDING = new byte[0];
    private static final String TEXT = "a secret of good length";

    private final SharedSecret secret = secret(TEXT);
    private LoopbackLinks links;

    @BeforeEach
    void connect() throws Exception {
        links = LoopbackLinks.open();
    }

    @AfterEach
    void close() throws Exception {
        links.close();
    }

    private static SharedSecret secret(final String text) {
        try {
            return SharedSecret.of(text.getBytes(StandardCharsets.UTF_8));
        } catch (final ReplicationException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private static CompletableFuture<Peer> authenticate(
            final SharedSecret secret, final Link link, final Role role, final byte[] binding) {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return secret.authenticate(link, role, binding, LONG);
            } catch (final IOException e) {
                try {
                    link.close(); // as every caller does
                } catch (final IOException again) {
                    e.addSuppressed(again);
                }
                throw new CompletionException(e);
            }
        });
    }

    private static void assertStranger(final CompletableFuture<Peer> side) {
        assertThatThrownBy(side::join)
                .cause()
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.FAIL_JOB))
                .hasMessageContaining("secret")
                .hasMessageContaining("127.0.0.1:");
    }

    @Test
    void bothSidesAreProvenAndTheLinkIsTheirs() throws Exception {
        final CompletableFuture<Peer> client = authenticate(secret, links.near(), Role.CLIENT, new byte[] {1});
        final CompletableFuture<Peer> server = authenticate(secret(TEXT), links.far(), Role.SERVER, new byte[] {1});

        assertThat(client.join().authenticated()).isTrue();
        assertThat(server.join().authenticated()).isTrue();
        links.near().send(ByteBuffer.wrap(new byte[] {5}));
        final ByteBuffer received = ByteBuffer.allocate(2);
        assertThat(links.far().receive(received)).isEqualTo(1);
        assertThat(received.get(0)).isEqualTo((byte) 5);
    }

    @Test
    void differentSecretsAreSaidOnBothSides() {
        final CompletableFuture<Peer> client =
                authenticate(secret("some other secret!"), links.near(), Role.CLIENT, NO_BINDING);
        final CompletableFuture<Peer> server = authenticate(secret, links.far(), Role.SERVER, NO_BINDING);

        assertStranger(client);
        assertStranger(server);
    }

    @Test
    void aSecretThatIsBoundToAnotherChannelIsRefusedOnBothSides() {
        final CompletableFuture<Peer> client = authenticate(secret, links.near(), Role.CLIENT, new byte[] {1});
        final CompletableFuture<Peer> server = authenticate(secret, links.far(), Role.SERVER, new byte[] {2});

        assertStranger(client);
        assertStranger(server);
    }

    @ParameterizedTest
    @EnumSource
    void twoOfTheSameRoleDoNotAuthenticate(final Role role) {
        final CompletableFuture<Peer> one = authenticate(secret, links.near(), role, NO_BINDING);
        final CompletableFuture<Peer> other = authenticate(secret, links.far(), role, NO_BINDING);

        assertThatThrownBy(one::join).hasCauseInstanceOf(IOException.class);
        assertThatThrownBy(other::join).hasCauseInstanceOf(IOException.class);
    }

    @ParameterizedTest
    @EnumSource
    void aMirrorDoesNotAuthenticate(final Role role) throws Exception {
        final CompletableFuture<Peer> victim = authenticate(secret, links.near(), role, NO_BINDING);

        // Sends back all that comes, with the role in the hello turned round.
        final ByteBuffer hello = ByteBuffer.allocate(48);
        Links.receiveFully(links.far(), hello);
        hello.put(8, (byte) (role == Role.CLIENT ? 'S' : 'C'));
        links.far().send(hello.flip());
        if (role == Role.CLIENT) {
            final ByteBuffer proof = ByteBuffer.allocate(33);
            Links.receiveFully(links.far(), proof);
            links.far().send(proof.flip());
        } else {
            links.far().send(ByteBuffer.allocate(33).put((byte) 'P').clear());
        }

        assertStranger(victim);
    }

    @Test
    void aProofOfAnEarlierSessionIsWorthNothing() throws Exception {
        final ByteBuffer hello = ByteBuffer.allocate(48);
        final ByteBuffer proof = ByteBuffer.allocate(33);
        final CompletableFuture<Peer> client = authenticate(secret, links.near(), Role.CLIENT, NO_BINDING);
        try (LoopbackLinks first = LoopbackLinks.open()) {
            final CompletableFuture<Peer> server = authenticate(secret, first.far(), Role.SERVER, NO_BINDING);
            relay(links.far(), first.near(), hello);
            relay(first.near(), links.far(), ByteBuffer.allocate(48));
            relay(links.far(), first.near(), proof);
            relay(first.near(), links.far(), ByteBuffer.allocate(33));
            relay(links.far(), first.near(), ByteBuffer.allocate(1));
            assertThat(server.join().authenticated()).isTrue();
            client.join();
        }

        try (LoopbackLinks second = LoopbackLinks.open()) {
            final CompletableFuture<Peer> server = authenticate(secret, second.far(), Role.SERVER, NO_BINDING);
            second.near().send(hello.clear());
            Links.receiveFully(second.near(), ByteBuffer.allocate(48));
            second.near().send(proof.clear());

            assertStranger(server);
        }
    }

    private static void relay(final Link from, final Link to, final ByteBuffer message) throws IOException {
        Links.receiveFully(from, message);
        to.send(message.flip());
    }

    @Test
    void garbageIsAStranger() throws Exception {
        final CompletableFuture<Peer> server = authenticate(secret, links.far(), Role.SERVER, NO_BINDING);

        links.near()
                .send(ByteBuffer.wrap(
                        "GET / HTTP/1.1\r\nHost: node1.example.org:9990\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));

        assertStranger(server);
    }

    @Test
    void aPeerThatSaysNothingIsLeftInTime() {
        assertThatThrownBy(() -> secret.authenticate(links.far(), Role.SERVER, NO_BINDING, SHORT))
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.RETRY));
    }

    @Test
    void aPeerThatSpeaksSlowlyIsLeftInTime() throws Exception {
        final CompletableFuture<Void> slow = CompletableFuture.runAsync(() -> {
            try {
                links.near().timeout(Duration.ofMillis(50));
                for (final byte b : "RPLAUTH1C".getBytes(StandardCharsets.US_ASCII)) {
                    links.near().send(ByteBuffer.wrap(new byte[] {b}));
                    waitForNothing(links.near());
                }
                while (true) {
                    links.near().send(ByteBuffer.allocate(1));
                    waitForNothing(links.near());
                }
            } catch (final IOException e) {
                // it was left
            }
        });

        assertThatThrownBy(() -> secret.authenticate(links.far(), Role.SERVER, NO_BINDING, SHORT))
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.RETRY));

        links.far().close();
        slow.join();
    }

    private static void waitForNothing(final Link link) throws IOException {
        try {
            link.receive(ByteBuffer.allocate(100));
        } catch (final ReplicationException e) {
            // nothing came for a while
        }
    }

    @Test
    void aFileHoldsTheSecretWithoutItsLineEnd(@TempDir final Path directory) throws Exception {
        final Path file = Files.writeString(directory.resolve("secret"), TEXT + "\r\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
        final SharedSecret loaded = SharedSecret.find(
                        Locator.parse("tls://:1?secret-file=" + file), Map.of("REPLICATE_SECRET", "x"))
                .orElseThrow();

        final CompletableFuture<Peer> client = authenticate(loaded, links.near(), Role.CLIENT, NO_BINDING);
        assertThat(authenticate(secret, links.far(), Role.SERVER, NO_BINDING)
                        .join()
                        .authenticated())
                .isTrue();
        client.join();
    }

    @Test
    void theEnvironmentHoldsTheSecretWhereNoFileIsNamed() throws Exception {
        final Locator locator = Locator.parse("tls://:1");

        assertThat(SharedSecret.find(locator, Map.of())).isEmpty();
        assertThat(SharedSecret.find(locator, Map.of("REPLICATE_SECRET", TEXT))).isPresent();
        assertMisuse(() -> SharedSecret.find(locator, Map.of("REPLICATE_SECRET", "short")), "REPLICATE_SECRET");
    }

    @Test
    void aFileThatEverybodyCanReadIsRefused(@TempDir final Path directory) throws Exception {
        final Path file = Files.writeString(directory.resolve("secret"), TEXT);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));

        assertMisuse(() -> SharedSecret.load(file), "chmod");
    }

    @Test
    void aFileThatIsMissingOrTooShortOrTooLongIsRefused(@TempDir final Path directory) throws Exception {
        assertMisuse(() -> SharedSecret.load(directory.resolve("none")), "none cannot be read: there is no such file");
        final Path file = Files.writeString(directory.resolve("secret"), "short\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        assertMisuse(() -> SharedSecret.load(file), "has 5 bytes");
        final byte[] tooLong = new byte[5000];
        Arrays.fill(tooLong, (byte) 'a');
        Files.write(file, tooLong);
        assertMisuse(() -> SharedSecret.load(file), "too many");
    }

    private static void assertMisuse(
            final org.assertj.core.api.ThrowableAssert.ThrowingCallable call, final String text) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.MISUSE))
                .hasMessageContaining(text)
                .hasMessageNotContaining(TEXT);
    }

    @Test
    void nothingPrintsTheSecret() {
        assertThat(secret.toString()).doesNotContain(TEXT);
    }
}
