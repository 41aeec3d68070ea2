package io.replicate.examples.cli;

import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Volume;
import io.replicate.nbd.server.SourceVolume;
import java.io.IOException;

/**
 * The {@code [NAME=]URI} of an export.
 *
 * @param name empty when none was given.
 * @param locator of the volume.
 */
record NamedVolume(String name, Locator locator) {

    /** Splits at the first {@code =}, if what stands before it can be a name: no slash, colon, dot at the start. */
    static NamedVolume parse(String text) throws ReplicationException {
        final int equals = text.indexOf('=');
        if (equals > 0 && text.substring(0, equals).matches("[^/:?.][^/:?]*")) {
            return new NamedVolume(text.substring(0, equals), Locator.parse(text.substring(equals + 1)));
        }
        return new NamedVolume("", Locator.parse(text));
    }

    /** Opens the volume; what can only be read is a volume, too, when nothing else is wanted of it. */
    Volume open(boolean readOnly) throws IOException {
        if (!readOnly) {
            return Providers.volume(locator);
        }
        final boolean plainFile =
                "file".equals(locator.scheme()) && locator.parameter("readonly").isEmpty();
        try {
            return Providers.volume(
                    plainFile
                            ? Locator.parse(
                                    locator.text() + (locator.text().indexOf('?') < 0 ? "?" : "&") + "readonly=true")
                            : locator);
        } catch (final ReplicationException noVolume) {
            if (plainFile) {
                throw noVolume;
            }
            return sourceOnly(noVolume);
        }
    }

    @SuppressWarnings("unchecked") // a source without extents fails at its first plan
    private Volume sourceOnly(ReplicationException noVolume) throws IOException {
        try {
            return SourceVolume.readOnly((Source<Extent>) Providers.source(locator));
        } catch (final ReplicationException noSource) {
            noVolume.addSuppressed(noSource);
            throw noVolume;
        }
    }
}
