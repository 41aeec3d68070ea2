package io.replicate.delta.apply;

import io.replicate.delta.cow.ChunkData;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.Marker;
import io.replicate.delta.cow.SnapLayout;
import io.replicate.delta.cow.StreamIds;
import io.replicate.delta.cow.StreamWriter;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * What merges overwrote, one file per generation: an exception store with the old data. Over the target as it is now it
 * is a dm snapshot of the generation before, and merged into it, it leads back there. Used by one thread.
 */
final class UndoLog {
    private static final String PREFIX = "undo-";
    private static final String SUFFIX = ".snap";
    private static final String PART = "undo.part";

    private final StateDirectory directory;

    UndoLog(final StateDirectory directory) {
        this.directory = directory;
    }

    static String name(final long sequence) {
        return PREFIX + String.format("%019d", sequence) + SUFFIX;
    }

    /** Returns the sequence numbers of the states that can be gone back to, oldest first. */
    List<Long> sequences() throws IOException {
        final List<Long> found = new ArrayList<>();
        for (final String name : directory.names()) {
            if (name.matches(PREFIX + "\\d{19}" + "\\.snap")) {
                found.add(Long.parseLong(name.substring(PREFIX.length(), name.length() - SUFFIX.length())));
            }
        }
        found.sort(null);
        return found;
    }

    /** Writes, durably, what the exceptions are about to overwrite; it leads from {@code next} back to the state. */
    void write(
            final TargetState state,
            final String next,
            final ExceptionList exceptions,
            final SnapLayout layout,
            final TargetImage target,
            final long imageBytes)
            throws IOException {
        final Marker marker = new Marker(imageBytes, exceptions.size(), StreamIds.random(), next, state.generation());
        try (StateFile file = directory.create(PART)) {
            file.reserve(layout.storeBytes(exceptions.size()));
            final FileOut out = new FileOut(file);
            new StreamWriter(out, layout, marker)
                    .writeSorted(exceptions, ChunkData.ofImage(target, layout, imageBytes), StreamWriter.Samples.NONE);
            file.truncate(out.position());
            file.sync();
        }
        directory.rename(PART, name(state.sequence()));
        directory.sync();
    }

    /** Removes what leads to states that were never reached, and what is half written. */
    void removeStray(final long sequence) throws IOException {
        directory.delete(PART);
        for (final long s : sequences()) {
            if (s >= sequence) {
                directory.delete(name(s));
            }
        }
    }

    /** Keeps the newest {@code count}. */
    void keep(final int count) throws IOException {
        final List<Long> all = sequences();
        for (int i = 0; i < all.size() - count; i++) {
            directory.delete(name(all.get(i)));
        }
    }
}
