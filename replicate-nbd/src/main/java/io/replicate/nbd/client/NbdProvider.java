package io.replicate.nbd.client;

import io.replicate.core.job.VolumeSink;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Provider;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Volume;
import java.io.IOException;
import java.util.Optional;
import java.util.Set;

/** Makes sources, sinks and volumes from {@code nbd:} locators; see {@link NbdAddress}. */
public final class NbdProvider implements Provider {

    @Override
    public Set<String> schemes() {
        return NbdAddress.schemes();
    }

    @Override
    public Optional<Source<?>> source(Locator locator) throws IOException {
        return Optional.of(NbdVolume.open(NbdAddress.of(locator)));
    }

    @Override
    public Optional<Sink<?>> sink(Locator locator) throws IOException {
        return Optional.of(VolumeSink.owning(NbdVolume.open(NbdAddress.of(locator))));
    }

    @Override
    public Optional<Volume> volume(Locator locator) throws IOException {
        return Optional.of(NbdVolume.open(NbdAddress.of(locator)));
    }
}
