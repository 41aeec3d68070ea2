package io.replicate.delta.apply;

import java.io.IOException;
import java.util.List;

/** The directory with the state of one target. Names become durable with {@link #sync()}. Used by one thread. */
public interface StateDirectory extends AutoCloseable {

    /** Returns the names of the files. */
    List<String> names() throws IOException;

    /** Returns whether there is a file of this name. */
    default boolean exists(final String name) throws IOException {
        return names().contains(name);
    }

    /** Opens an existing file for reading and writing. */
    StateFile open(String name) throws IOException;

    /** Makes an empty file, in the place of one that may be there. */
    StateFile create(String name) throws IOException;

    /** Renames a file over another that may be there. */
    void rename(String from, String to) throws IOException;

    /** Removes a file; nothing happens when there is none. */
    void delete(String name) throws IOException;

    /** When this returns, the names are durable. */
    void sync() throws IOException;

    @Override
    void close() throws IOException;
}
