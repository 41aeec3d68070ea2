package io.replicate.core.spi;

import java.io.IOException;
import java.util.Optional;
import java.util.Set;

/**
 * Makes backends from locators; found by {@link java.util.ServiceLoader}. Each method answers empty when the scheme has
 * no such face. Parameters that a backend does not know are refused (MISUSE), never ignored.
 */
public interface Provider {

    /** Returns the schemes that this provider serves, in lower case. */
    Set<String> schemes();

    /** Opens a source. */
    default Optional<Source<?>> source(final Locator locator) throws IOException {
        return Optional.empty();
    }

    /** Opens a sink. */
    default Optional<Sink<?>> sink(final Locator locator) throws IOException {
        return Optional.empty();
    }

    /** Opens a volume. */
    default Optional<Volume> volume(final Locator locator) throws IOException {
        return Optional.empty();
    }

    /** Opens a transport for addresses such as this one (its parameters apply to all of them). */
    default Optional<Transport> transport(final Locator locator) throws IOException {
        return Optional.empty();
    }

    /** Opens a checkpoint. */
    default Optional<Checkpoint> checkpoint(final Locator locator) throws IOException {
        return Optional.empty();
    }
}
