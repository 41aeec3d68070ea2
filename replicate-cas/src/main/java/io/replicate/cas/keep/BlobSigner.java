package io.replicate.cas.keep;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Makes and checks the permission signatures of Keep locators: HMAC-SHA1 with the cluster's blob signing key over
 * {@code hash@token@expiry@ttl}. Thread-safe.
 *
 * <p>The size in a locator is not covered. All signers of a cluster must agree on the ttl.
 */
public final class BlobSigner {

    /** What a signature is worth. */
    public enum Verdict {
        VALID,
        /** None there, or not of the right form. */
        MISSING,
        EXPIRED,
        INVALID
    }

    private static final Pattern ANYWHERE = Pattern.compile("^([0-9a-f]{32}).*\\+A([0-9a-f]+)@([0-9a-f]+)");
    private static final Pattern STRICT = Pattern.compile(
            "^([0-9a-f]{32})(?:\\+\\d+)?(?:\\+[B-Z][A-Za-z0-9@_-]*)*\\+A([0-9a-f]{40})@([0-9a-f]{8})(?:\\+[B-Z][A-Za-z0-9@_-]*)*$");

    private final byte[] key;
    private final String ttlPart;

    /**
     * Creates a signer.
     *
     * @param key the blob signing key; white space around it is dropped; an empty key signs nothing.
     * @param ttl of signatures in the cluster; fractions of seconds are dropped.
     */
    public BlobSigner(final String key, final Duration ttl) {
        this.key = key.trim().getBytes(StandardCharsets.UTF_8);
        this.ttlPart = "@" + Long.toHexString(ttl.toSeconds());
    }

    private BlobSigner(final String key) {
        this.key = key.trim().getBytes(StandardCharsets.UTF_8);
        this.ttlPart = "";
    }

    /** Returns the signer of clusters older than April 2016, whose signatures do not cover the ttl. */
    public static BlobSigner withoutTtl(final String key) {
        return new BlobSigner(key);
    }

    /** Returns whether there is a key. */
    public boolean enabled() {
        return key.length > 0;
    }

    /** Returns the locator with a signature for the token, or as it is when there is no key or no token. */
    public String sign(final String locator, final String token, final Instant expiry) {
        if (key.length == 0 || token.isEmpty()) {
            return locator;
        }
        final String expiryHex = String.format(Locale.ROOT, "%08x", expiry.getEpochSecond());
        return locator + "+A" + signature(hashOf(locator), token, expiryHex) + "@" + expiryHex;
    }

    /** Returns what the locator's signature is worth; the first one counts, at any place after the hash. */
    public Verdict verify(final String locator, final String token, final Instant now) {
        return verify(ANYWHERE.matcher(locator), token, now, false);
    }

    /** Returns what the signature is worth in a locator that keeps the strict grammar. */
    public Verdict verifyStrict(final String locator, final String token, final Instant now) {
        return verify(STRICT.matcher(locator), token, now, true);
    }

    private Verdict verify(final Matcher matcher, final String token, final Instant now, final boolean whole) {
        if (!(whole ? matcher.matches() : matcher.find())) {
            return Verdict.MISSING;
        }
        final String expiryHex = matcher.group(3);
        if (expiryHex.length() > 15) {
            return Verdict.MISSING;
        }
        if (Long.parseLong(expiryHex, 16) < now.getEpochSecond()) {
            return Verdict.EXPIRED;
        }
        final byte[] expected = signature(matcher.group(1), token, expiryHex).getBytes(StandardCharsets.US_ASCII);
        final byte[] given = matcher.group(2).getBytes(StandardCharsets.US_ASCII);
        return MessageDigest.isEqual(expected, given) ? Verdict.VALID : Verdict.INVALID;
    }

    private static String hashOf(final String locator) {
        final int plus = locator.indexOf('+');
        return plus < 0 ? locator : locator.substring(0, plus);
    }

    private String signature(final String hash, final String token, final String expiryHex) {
        try {
            final Mac mac = Mac.getInstance("HmacSHA1");
            mac.init(new SecretKeySpec(key, "HmacSHA1"));
            return HexFormat.of()
                    .formatHex(mac.doFinal(
                            (hash + "@" + token + "@" + expiryHex + ttlPart).getBytes(StandardCharsets.UTF_8)));
        } catch (final GeneralSecurityException e) {
            throw new IllegalStateException("HmacSHA1 is required of every JRE", e);
        }
    }
}
