package io.replicate.core.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.RSAPrivateCrtKey;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Keys as openssl 3 has written them; they are used nowhere else. */
class PemTest {

    private static Path resource(final String name) throws URISyntaxException {
        return Path.of(
                Objects.requireNonNull(PemTest.class.getResource(name), name).toURI());
    }

    @Test
    void anRsaKeyIsTheSameInBothForms() throws Exception {
        final RSAPrivateCrtKey traditional = (RSAPrivateCrtKey) Pem.privateKey(resource("rsa-pkcs1.pem"));
        final RSAPrivateCrtKey modern = (RSAPrivateCrtKey) Pem.privateKey(resource("rsa-pkcs8.pem"));

        assertThat(traditional.getPrivateExponent()).isEqualTo(modern.getPrivateExponent());
        assertThat(traditional.getModulus()).isEqualTo(modern.getModulus());
    }

    @Test
    void anEcKeyIsTheSameInBothForms() throws Exception {
        final ECPrivateKey traditional = (ECPrivateKey) Pem.privateKey(resource("ec-sec1.pem"));
        final ECPrivateKey modern = (ECPrivateKey) Pem.privateKey(resource("ec-pkcs8.pem"));

        assertThat(traditional.getS()).isEqualTo(modern.getS());
        assertThat(traditional.getParams().getOrder())
                .isEqualTo(modern.getParams().getOrder());
    }

    @Test
    void anEdwardsKeyIsRead() throws Exception {
        assertThat(Pem.privateKey(resource("ed25519-pkcs8.pem")).getAlgorithm()).isEqualTo("EdDSA");
    }

    @ParameterizedTest
    @CsvSource({"encrypted.pem", "encrypted-pkcs1.pem"})
    void anEncryptedKeyIsNamedAsSuch(final String name) {
        assertBad(() -> Pem.privateKey(resource(name)), name + ": the private key is encrypted");
    }

    @Test
    void whatIsNotThereIsNamed(@TempDir final Path directory) throws Exception {
        final Path file = Files.writeString(directory.resolve("x.pem"), "nothing of the kind");

        assertBad(() -> Pem.privateKey(file), "x.pem: there is no private key in it");
        assertBad(() -> Pem.certificates(file), "x.pem");
        assertBad(() -> Pem.certificates(resource("ec-sec1.pem")), "ec-sec1.pem");
        assertBad(() -> Pem.privateKey(directory.resolve("y.pem")), "y.pem: there is no such file");
        assertBad(() -> Pem.privateKey(directory), "it cannot be read");
    }

    @Test
    void aTornKeyIsRefused(@TempDir final Path directory) throws Exception {
        final Path file = directory.resolve("torn.pem");
        for (final String name : new String[] {"rsa-pkcs1.pem", "ec-sec1.pem", "ec-pkcs8.pem"}) {
            final String text = Files.readString(resource(name));
            final int body = text.indexOf('\n', text.indexOf("PRIVATE KEY"));
            Files.writeString(file, text.substring(0, body + 30) + text.substring(text.lastIndexOf("\n-----END")));

            assertBad(() -> Pem.privateKey(file), "torn.pem: not a private key");
        }
    }

    private static void assertBad(final org.assertj.core.api.ThrowableAssert.ThrowingCallable call, final String text) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.MISUSE))
                .hasMessageContaining(text);
    }

    @Test
    void aCertificateOfOurOwnMakingVerifiesItself() throws Exception {
        final EphemeralIdentity identity = EphemeralIdentity.create();

        identity.certificate().verify(identity.certificate().getPublicKey());
        identity.certificate().checkValidity();
        assertThat(identity.certificate().getVersion()).isEqualTo(3);
        assertThat(identity.certificate().getSerialNumber()).isPositive();
        assertThat(identity.certificate())
                .isNotEqualTo(EphemeralIdentity.create().certificate());
    }
}
