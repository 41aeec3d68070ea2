package io.replicate.nbd.tls;

import io.replicate.core.spi.ReplicationException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import org.bouncycastle.tls.TlsClientProtocol;
import org.bouncycastle.tls.TlsServerProtocol;
import org.bouncycastle.tls.crypto.impl.jcajce.JcaTlsCryptoProvider;

/**
 * TLS 1.3 and 1.2 with pre-shared keys, always with an ephemeral key exchange: who learns a key later cannot read what was
 * said before. Needs {@code org.bouncycastle:bctls-jdk18on}. Immutable; makes a handler for each connection.
 */
public final class PskTls {
    private static final String LIBRARY = "org.bouncycastle.tls.TlsProtocol";

    private final PskKeys keys;
    private final byte[] user;

    private PskTls(PskKeys keys, byte[] user) {
        this.keys = keys;
        this.user = user;
    }

    /**
     * Returns a server's side: every user of the file may connect.
     *
     * @param file with lines {@code NAME:HEXKEY}.
     * @throws ReplicationException MISUSE when the file cannot be used, or the library is missing.
     */
    public static PskTls server(Path file) throws ReplicationException {
        requireLibrary();
        return new PskTls(PskKeys.read(file), new byte[0]);
    }

    /**
     * Returns a client's side.
     *
     * @param file with lines {@code NAME:HEXKEY}.
     * @param user whose key is used.
     * @throws ReplicationException MISUSE when the file cannot be used or lacks the user, or the library is missing.
     */
    public static PskTls client(Path file, String user) throws ReplicationException {
        requireLibrary();
        final PskKeys keys = PskKeys.read(file);
        final byte[] name = user.getBytes(StandardCharsets.UTF_8);
        if (keys.find(name) == null) {
            throw ReplicationException.misuse(
                    "keys " + file + ": no key for user '" + user + "': say who you are in the URI, nbds://USER@HOST/");
        }
        return new PskTls(keys, name);
    }

    private static void requireLibrary() throws ReplicationException {
        try {
            Class.forName(LIBRARY, false, PskTls.class.getClassLoader());
        } catch (final ClassNotFoundException e) {
            throw ReplicationException.misuse(
                    "pre-shared keys need org.bouncycastle:bctls-jdk18on, which is not on the class path");
        }
    }

    /** Returns the handler of one connection on a server. */
    public PskHandler serverHandler(Duration handshakeTimeout) {
        final TlsServerProtocol protocol = new TlsServerProtocol();
        final PskServer peer = new PskServer(new JcaTlsCryptoProvider().create(new SecureRandom()), keys);
        return new PskHandler(protocol, () -> protocol.accept(peer), handshakeTimeout);
    }

    /** Returns the handler of one connection of a client. */
    public PskHandler clientHandler(Duration handshakeTimeout) {
        final TlsClientProtocol protocol = new TlsClientProtocol();
        final byte[] key = keys.find(user);
        if (key == null) {
            throw new IllegalStateException("a server's keys");
        }
        final PskClient peer = new PskClient(new JcaTlsCryptoProvider().create(new SecureRandom()), user.clone(), key);
        return new PskHandler(protocol, () -> protocol.connect(peer), handshakeTimeout);
    }
}
