package io.replicate.core.job;

/**
 * Arithmetic on CRC32C values, without the bytes they were made of: polynomials over GF(2) modulo the Castagnoli
 * polynomial, bits reversed, as in RFC 3720 section 12.1. The method is that of zlib's crc32_combine.
 */
final class Crc32cMath {
    private static final int POLYNOMIAL = 0x82F63B78;
    private static final int ONE = 1 << 31;

    /** {@code POWERS[k]} is x to the power of 2^k. */
    private static final int[] POWERS = powers();

    private Crc32cMath() {}

    private static int[] powers() {
        final int[] powers = new int[67];
        powers[0] = 1 << 30;
        for (int k = 1; k < powers.length; k++) {
            powers[k] = multiply(powers[k - 1], powers[k - 1]);
        }
        return powers;
    }

    /** Returns the CRC of A followed by B. */
    static int combine(final int crcOfA, final int crcOfB, final long lengthOfB) {
        return multiply(xToTheBits(lengthOfB), crcOfA) ^ crcOfB;
    }

    /** Returns the CRC of {@code length} zero bytes. */
    static int ofZeros(final long length) {
        return ~multiply(xToTheBits(length), ~0);
    }

    private static int xToTheBits(final long lengthBytes) {
        int product = ONE;
        int k = 3;
        for (long n = lengthBytes; n != 0; n >>>= 1) {
            if ((n & 1) != 0) {
                product = multiply(POWERS[k], product);
            }
            k++;
        }
        return product;
    }

    private static int multiply(final int a, final int b) {
        int product = 0;
        int shifted = b;
        for (int bit = ONE; bit != 0; bit >>>= 1) {
            if ((a & bit) != 0) {
                product ^= shifted;
            }
            shifted = (shifted & 1) != 0 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
        }
        return product;
    }
}
