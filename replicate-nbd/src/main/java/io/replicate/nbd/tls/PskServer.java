package io.replicate.nbd.tls;

import java.util.Vector;
import org.bouncycastle.tls.BasicTlsPSKExternal;
import org.bouncycastle.tls.PRFAlgorithm;
import org.bouncycastle.tls.PSKTlsServer;
import org.bouncycastle.tls.ProtocolVersion;
import org.bouncycastle.tls.PskIdentity;
import org.bouncycastle.tls.TlsPSKExternal;
import org.bouncycastle.tls.TlsPSKIdentityManager;
import org.bouncycastle.tls.crypto.TlsCrypto;
import org.jspecify.annotations.Nullable;

/** Takes every user that has a key; a client without one is refused, as there are no certificates to fall back on. */
final class PskServer extends PSKTlsServer {
    private final PskKeys keys;

    PskServer(TlsCrypto crypto, PskKeys keys) {
        super(crypto, new Manager(keys));
        this.keys = keys;
    }

    private record Manager(PskKeys keys) implements TlsPSKIdentityManager {
        @Override
        public byte @Nullable [] getHint() {
            return null;
        }

        @Override
        public byte @Nullable [] getPSK(byte[] user) {
            return keys.find(user);
        }
    }

    @Override
    @SuppressWarnings({"rawtypes", "JdkObsolete"}) // the library's signature
    public @Nullable TlsPSKExternal getExternalPSK(Vector offered) {
        for (final Object one : offered) {
            final byte[] user = ((PskIdentity) one).getIdentity();
            final byte[] key = keys.find(user);
            if (key != null) {
                return new BasicTlsPSKExternal(user, getCrypto().createSecret(key), PRFAlgorithm.tls13_hkdf_sha256);
            }
        }
        return null;
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
