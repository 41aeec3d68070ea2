package io.replicate.examples.cli;

import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Sizes;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a size of at least one byte, such as {@code 64K} or {@code 1.5G}; also a rate per second. */
final class SizeConverter implements ITypeConverter<Long> {
    @Override
    public Long convert(final String text) {
        final long bytes;
        try {
            bytes = Sizes.parse("it", text);
        } catch (final ReplicationException e) {
            throw new TypeConversionException(String.valueOf(e.getMessage()));
        }
        if (bytes < 1) {
            throw new TypeConversionException("it must be at least 1 byte");
        }
        return bytes;
    }
}
