package io.replicate.cas.keep;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BlobSignerTest {
    private static final String KEY = "example-blob-signing-key-0123456789";
    private static final String T1 = "3kg6k6lzmp9kj5cpkcoxie963cmvjahbt2fod9zru30k1jqdmi";
    private static final String T2 = "v2/zzzzz-gj3su-077z32aux8dg2s1/" + T1;

    @ParameterizedTest
    @CsvSource({
        "acbd18db4cc2f85cedef654fccc4a4d8+3, 1, 1209600000, 7fffffff, a9ea38107ec0ad86392ca3d9231b99089ff0d6cc",
        "acbd18db4cc2f85cedef654fccc4a4d8, 1, 1209600000, 7fffffff, a9ea38107ec0ad86392ca3d9231b99089ff0d6cc",
        "acbd18db4cc2f85cedef654fccc4a4d8+3+K@xyzzy, 1, 1209600000, 7fffffff, a9ea38107ec0ad86392ca3d9231b99089ff0d6cc",
        "acbd18db4cc2f85cedef654fccc4a4d8+3, 1, 3600000, 7fffffff, bac3d8e22ce0dba2512039bc321ef9aa85512656",
        "d41d8cd98f00b204e9800998ecf8427e+0, 1, 1209600000, 00001234, b74fb975dd09df93a791182215d0ab24466cd919",
        "37b51d194a7513e45b56f6524f2d51f2+3, 1, 1209600700, 6b1325ce, 9e11ee5f57313229f23b6488d64b0300c22ae42f",
        "acbd18db4cc2f85cedef654fccc4a4d8+3, 2, 1209600000, 7fffffff, cbb65f5cbe3f04e30175c6f3cda62b40a2d5925d",
        "acbd18db4cc2f85cedef654fccc4a4d8+3, 2, 3600000, 7fffffff, 916c4bcd270cf0b5e40afa0e5b2c0c3aace6a90a",
        "d41d8cd98f00b204e9800998ecf8427e+0, 2, 1209600000, 00001234, a5b5d80e62fbdc7de51af6fa05220cbc90754e10"
    })
    void signsAsTheRealServersDo(
            final String locator, final int token, final long ttlMs, final String expiry, final String signature) {
        final BlobSigner signer = new BlobSigner(KEY, Duration.ofMillis(ttlMs));

        final String signed =
                signer.sign(locator, token == 1 ? T1 : T2, Instant.ofEpochSecond(Long.parseLong(expiry, 16)));

        assertThat(signed).isEqualTo(locator + "+A" + signature + "@" + expiry);
    }

    @Test
    void signsWithoutTtlAsClustersBeforeApril2016Did() {
        final Instant expiry = Instant.ofEpochSecond(0x7fffffff);

        // Python: hmac.new(key, hash + "@" + token + "@" + expiry, sha1)
        assertThat(BlobSigner.withoutTtl(KEY).sign("acbd18db4cc2f85cedef654fccc4a4d8+3", T1, expiry))
                .isEqualTo("acbd18db4cc2f85cedef654fccc4a4d8+3+Add09279c35f6868e8e391a538bf06d9e50734549@7fffffff");
    }

    @Test
    void leavesTheLocatorAloneWithoutKeyOrToken() {
        final String locator = "acbd18db4cc2f85cedef654fccc4a4d8+3";

        assertThat(new BlobSigner(" \n", Duration.ofHours(1)).sign(locator, T1, Instant.now()))
                .isEqualTo(locator);
        assertThat(new BlobSigner(KEY, Duration.ofHours(1)).sign(locator, "", Instant.now()))
                .isEqualTo(locator);
    }

    @Test
    void trimsTheKey() {
        final Instant expiry = Instant.ofEpochSecond(0x7fffffff);

        assertThat(new BlobSigner("  " + KEY + "\n", Duration.ofHours(1))
                        .sign("acbd18db4cc2f85cedef654fccc4a4d8", T1, expiry))
                .contains("bac3d8e22ce0dba2512039bc321ef9aa85512656");
    }

    @Test
    void tellsValidMissingExpiredAndInvalidApart() {
        final BlobSigner signer = new BlobSigner(KEY, Duration.ofHours(1));
        final Instant now = Instant.ofEpochSecond(1_000_000);
        final String signed = signer.sign("acbd18db4cc2f85cedef654fccc4a4d8+3", T1, now.plusSeconds(60));

        assertThat(signer.verify(signed, T1, now)).isEqualTo(BlobSigner.Verdict.VALID);
        assertThat(signer.verify(signed + "+K@zzzzz", T1, now)).isEqualTo(BlobSigner.Verdict.VALID);
        assertThat(signer.verifyStrict(signed, T1, now)).isEqualTo(BlobSigner.Verdict.VALID);
        assertThat(signer.verify(signed.replace("+3", "+4"), T1, now)).isEqualTo(BlobSigner.Verdict.VALID);
        assertThat(signer.verify(signed, T2, now)).isEqualTo(BlobSigner.Verdict.INVALID);
        assertThat(signer.verify(signed, T1, now.plusSeconds(61))).isEqualTo(BlobSigner.Verdict.EXPIRED);
        assertThat(signer.verify("acbd18db4cc2f85cedef654fccc4a4d8+3", T1, now)).isEqualTo(BlobSigner.Verdict.MISSING);
        assertThat(signer.verifyStrict("acbd18db4cc2f85cedef654fccc4a4d8+3+A12@34", T1, now))
                .isEqualTo(BlobSigner.Verdict.MISSING);
    }
}
