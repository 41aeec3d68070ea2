package io.replicate.delta.change;

import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.SnapLayout;
import java.io.IOException;

/**
 * Which chunks of an image changed.
 *
 * @param layout whose chunks are meant.
 * @param chunks of the origin, each once, in the order in which they will be sent.
 */
public record Changes(SnapLayout layout, ExceptionList chunks) implements AutoCloseable {

    /** Says where the changes of an image come from. */
    public interface Finder {
        /**
         * Finds the changes.
         *
         * @param imageBytes size of the image that the data will be read from.
         */
        Changes find(long imageBytes) throws IOException;
    }

    @Override
    public void close() {
        chunks.close();
    }
}
