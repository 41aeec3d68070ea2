package io.replicate.core.job;

import io.replicate.core.spi.Locator;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * One end of a copy as the builder knows it: a name to open, or an object that stays its owner's.
 *
 * @param locator of what is opened, or null.
 * @param opener of the end.
 */
record End<T>(@Nullable Locator locator, Opener<T> opener) {

    /** Opens an end. */
    interface Opener<T> {
        T open() throws IOException;
    }

    /** Opens what a locator names. */
    interface Backend<T> {
        T open(Locator locator) throws IOException;
    }

    static <T> End<T> named(final Locator locator, final Backend<T> backend) {
        return new End<>(locator, () -> backend.open(locator));
    }

    static <T> End<T> given(final T object) {
        return new End<>(null, () -> object);
    }

    /** Returns whether whoever opens it has to close it. */
    boolean isOpenedHere() {
        return locator != null;
    }
}
