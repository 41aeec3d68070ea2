package io.replicate.core.spi;

import java.util.Map;

/**
 * What a job has made durable, as its strategy understands it: small named values (an offset, a bitmap, an area, a
 * prefix). Written and read back as it is; a strategy bounds and checks every value that it reads.
 *
 * @param values immutable; keys are short ASCII names.
 */
public record Progress(Map<String, byte[]> values) {
    public Progress {
        values = Map.copyOf(values);
    }
}
