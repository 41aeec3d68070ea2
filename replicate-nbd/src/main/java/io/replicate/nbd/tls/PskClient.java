package io.replicate.nbd.tls;

import java.util.Vector;
import org.bouncycastle.tls.AlertDescription;
import org.bouncycastle.tls.BasicTlsPSKExternal;
import org.bouncycastle.tls.PRFAlgorithm;
import org.bouncycastle.tls.PSKTlsClient;
import org.bouncycastle.tls.ProtocolVersion;
import org.bouncycastle.tls.TlsFatalAlert;
import org.bouncycastle.tls.TlsPSK;
import org.bouncycastle.tls.TlsPSKExternal;
import org.bouncycastle.tls.crypto.TlsCrypto;
import org.jspecify.annotations.Nullable;

/** Shows one user's key, and takes no server that does not have it. */
final class PskClient extends PSKTlsClient {
    private final byte[] user;
    private final byte[] key;

    PskClient(TlsCrypto crypto, byte[] user, byte[] key) {
        super(crypto, user, key);
        this.user = user;
        this.key = key;
    }

    @Override
    @SuppressWarnings({"rawtypes", "unchecked", "JdkObsolete"}) // the library's signature
    public Vector getExternalPSKs() {
        final TlsPSKExternal psk =
                new BasicTlsPSKExternal(user, getCrypto().createSecret(key), PRFAlgorithm.tls13_hkdf_sha256);
        final Vector offered = new Vector();
        offered.add(psk);
        return offered;
    }

    @Override
    public void notifySelectedPSK(@Nullable TlsPSK selected) throws TlsFatalAlert {
        if (selected == null) {
            throw new TlsFatalAlert(AlertDescription.handshake_failure, "the server did not use the key");
        }
    }

    @Override
    protected ProtocolVersion[] getSupportedVersions() {
        return PskSuites.versions();
    }

    @Override
    protected int[] getSupportedCipherSuites() {
        return PskSuites.suites();
    }
}
