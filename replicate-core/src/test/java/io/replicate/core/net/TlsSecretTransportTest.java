package io.replicate.core.net;

import io.replicate.core.contract.TransportContract;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.Transport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

class TlsSecretTransportTest extends TransportContract {

    @TempDir
    static Path directory;

    @BeforeAll
    static void writeTheSecret() throws Exception {
        secretFile(directory.resolve("secret"), "correct horse battery staple");
    }

    static Path secretFile(final Path file, final String secret) throws Exception {
        Files.writeString(file, secret + "\n");
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    }

    @Override
    protected Transport newServer() throws Exception {
        return Providers.transport(Locator.parse("tls://:0?native=false&secret-file=" + directory.resolve("secret")));
    }

    @Override
    protected Transport newClient() throws Exception {
        return newServer();
    }

    @Override
    protected Locator listenAddress() throws Exception {
        return Locator.parse("tls://127.0.0.1:0");
    }
}
