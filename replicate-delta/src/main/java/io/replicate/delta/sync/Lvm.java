package io.replicate.delta.sync;

import java.io.IOException;
import java.util.Optional;

/** What a rotation asks of lvm2. Used by one thread. */
public interface Lvm {

    /** Makes a snapshot of a volume. */
    void createSnapshot(String group, String volume, String snapshot, String size) throws IOException;

    /** Removes a snapshot. */
    void remove(String group, String snapshot) throws IOException;

    /** Renames a snapshot. */
    void rename(String group, String from, String to) throws IOException;

    /** Returns the uuid of a volume, or empty when there is no such volume. */
    Optional<String> uuid(String group, String volume) throws IOException;

    /** Returns whether a snapshot that exists can still be read: not when it overflowed. */
    boolean valid(String group, String snapshot) throws IOException;

    /** Returns the path of a volume's device. */
    String device(String group, String volume);

    /** Returns the path of the device with a snapshot's exception store. */
    String cowDevice(String group, String snapshot);
}
