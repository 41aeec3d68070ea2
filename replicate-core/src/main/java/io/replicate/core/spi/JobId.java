package io.replicate.core.spi;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Names a job: the same job, started again, has the same id.
 *
 * @param value letters and digits, 1 to 64.
 */
public record JobId(String value) {

    public JobId {
        if (!value.matches("[A-Za-z0-9]{1,64}")) {
            throw new IllegalArgumentException("job id " + value);
        }
    }

    /** Returns the id of the job that these parts (strategy, source, target, …) describe. */
    public static JobId of(final String... parts) {
        final MessageDigest sha = Digest.Algorithm.SHA_256.newMessageDigest();
        for (final String part : parts) {
            sha.update(part.getBytes(StandardCharsets.UTF_8));
            sha.update((byte) 0);
        }
        return new JobId(HexFormat.of().formatHex(Arrays.copyOf(sha.digest(), 12)));
    }

    @Override
    public String toString() {
        return value;
    }
}
