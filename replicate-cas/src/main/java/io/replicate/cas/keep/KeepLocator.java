package io.replicate.cas.keep;

import io.replicate.core.spi.Digest;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Unit;
import java.util.ArrayList;
import java.util.List;

/**
 * The name of a Keep block: {@code md5+size+hint+hint}. The hash is 32 lower-case hexadecimal digits, the size comes first
 * among what follows it, and a hint is an upper-case letter and then letters, digits, {@code @}, {@code _} or {@code -}.
 *
 * @param hash in lower-case hexadecimal.
 * @param sizeBytes of the block, or {@link Unit#UNKNOWN} when the locator has none.
 * @param hints in order, without their {@code +}.
 */
public record KeepLocator(String hash, long sizeBytes, List<String> hints) {
    /** The largest block that Keep stores, in bytes. */
    public static final int MAX_BLOCK_BYTES = 64 << 20;
    /** The length of a hash in characters. */
    public static final int HASH_LENGTH = 32;

    private static final int MAX_SIZE_DIGITS = 18;

    public KeepLocator {
        hints = List.copyOf(hints);
    }

    /** Returns the locator of a digest, without hints. */
    public static KeepLocator of(final Digest digest) {
        return new KeepLocator(digest.hex(), digest.lengthBytes(), List.of());
    }

    /**
     * Parses a locator by the strict grammar. The size may be missing.
     *
     * @throws ReplicationException MISUSE when the text is anything else.
     */
    public static KeepLocator parse(final String text) throws ReplicationException {
        final KeepLocator locator = split(text);
        for (final String hint : locator.hints) {
            if (!isHint(hint)) {
                throw ReplicationException.misuse(
                        "locator '" + shown(text) + "': '" + shown(hint) + "' is not a hint (upper-case letter first)");
            }
        }
        return locator;
    }

    /**
     * Parses a locator as lenient clients do: a hash, and then anything that begins with {@code +}. The size is
     * {@link Unit#UNKNOWN} when what follows the hash is not a number.
     *
     * @throws ReplicationException MISUSE when the text does not begin with a hash.
     */
    public static KeepLocator parseLenient(final String text) throws ReplicationException {
        return split(text);
    }

    private static KeepLocator split(final String text) throws ReplicationException {
        final int plus = text.indexOf('+');
        final String hash = plus < 0 ? text : text.substring(0, plus);
        if (!isHash(hash)) {
            throw ReplicationException.misuse(
                    "locator '" + shown(text) + "' does not begin with 32 lower-case hexadecimal digits");
        }
        final List<String> rest = new ArrayList<>();
        if (plus >= 0) {
            rest.addAll(List.of(text.substring(plus + 1).split("\\+", -1)));
        }
        long size = Unit.UNKNOWN;
        if (!rest.isEmpty() && isSize(rest.get(0))) {
            size = Long.parseLong(rest.remove(0));
        }
        return new KeepLocator(hash, size, rest);
    }

    /** Returns whether the text is 32 lower-case hexadecimal digits. */
    public static boolean isHash(final String text) {
        return text.length() == HASH_LENGTH && isHexPrefix(text);
    }

    /** Returns whether the text is made of 0 to 32 lower-case hexadecimal digits: what an index may be asked for. */
    public static boolean isHexPrefix(final String text) {
        return text.length() <= HASH_LENGTH
                && text.chars().allMatch(c -> (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
    }

    private static boolean isSize(final String text) {
        return !text.isEmpty()
                && text.length() <= MAX_SIZE_DIGITS
                && text.chars().allMatch(c -> c >= '0' && c <= '9');
    }

    private static boolean isHint(final String text) {
        return !text.isEmpty()
                && text.charAt(0) >= 'A'
                && text.charAt(0) <= 'Z'
                && text.chars()
                        .allMatch(c -> (c >= 'A' && c <= 'Z')
                                || (c >= 'a' && c <= 'z')
                                || (c >= '0' && c <= '9')
                                || c == '@'
                                || c == '_'
                                || c == '-');
    }

    private static String shown(final String text) {
        final String cut = text.length() <= 120 ? text : text.substring(0, 120) + "…";
        return Secrets.withoutSignatures(cut);
    }

    /** Returns the digest: hash and size. */
    public Digest digest() {
        return Digest.parse(Digest.Algorithm.MD5, hash, sizeBytes);
    }

    /** Returns {@code hash+size}, or the hash alone when the size is not known. */
    public String bare() {
        return sizeBytes == Unit.UNKNOWN ? hash : hash + "+" + sizeBytes;
    }

    /** Returns the clusters and services that the {@code +K@} hints name: read there first. */
    public List<String> serviceHints() {
        return hints.stream()
                .filter(hint -> hint.startsWith("K@"))
                .map(hint -> hint.substring(2))
                .toList();
    }

    @Override
    public String toString() {
        return hints.isEmpty() ? bare() : bare() + "+" + String.join("+", hints);
    }
}
