package io.replicate.delta.apply;

import io.replicate.delta.cow.Marker;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a target.
 *
 * @param sequence counts the records, from 0 for a target that was never merged to.
 * @param phase what is under way.
 * @param generation that the target was at before, or is at when nothing is under way; empty when it is not known.
 * @param next generation that is being reached; empty when nothing is under way or it has no name.
 * @param imageBytes size of the image, 0 when it is not known.
 * @param spoolBytes length of the spool in phase REDO.
 * @param spoolSha256 of the spool in phase REDO, 64 hexadecimal digits; else empty.
 * @param inode of the clone in phase CLONE.
 */
record TargetState(
        long sequence,
        Phase phase,
        String generation,
        String next,
        long imageBytes,
        long spoolBytes,
        String spoolSha256,
        long inode) {

    /** What is under way. */
    enum Phase {
        /** Nothing. */
        IDLE(0),
        /** The spool is whole and durable: it will be replayed until the target has it all. */
        REDO(1),
        /** The changed clone is whole and durable: it will be renamed over the target. */
        CLONE(2),
        /** An in-place merge was begun and its end was not seen: the target is a mixture. */
        IN_PLACE(3);

        private final int code;

        Phase(final int code) {
            this.code = code;
        }

        /** Returns the number that stands for it on disk. */
        int code() {
            return code;
        }

        /** Returns the phase with this number, or null when there is none. */
        static @Nullable Phase of(final int code) {
            for (final Phase phase : values()) {
                if (phase.code == code) {
                    return phase;
                }
            }
            return null;
        }
    }

    TargetState {
        if (!Marker.isId(generation) || !Marker.isId(next)) {
            throw new IllegalArgumentException("generation '" + generation + "', next '" + next + "'");
        }
    }

    static TargetState unknown() {
        return new TargetState(0, Phase.IDLE, "", "", 0, 0, "", 0);
    }

    TargetState idle(final String newGeneration, final long newImageBytes) {
        return new TargetState(sequence + 1, Phase.IDLE, newGeneration, "", newImageBytes, 0, "", 0);
    }

    TargetState redo(final String to, final long image, final long spool, final String sha256) {
        return new TargetState(sequence + 1, Phase.REDO, generation, to, image, spool, sha256, 0);
    }

    TargetState clone(final String to, final long image, final long cloneInode) {
        return new TargetState(sequence + 1, Phase.CLONE, generation, to, image, 0, "", cloneInode);
    }

    TargetState inPlace(final String to, final long image) {
        return new TargetState(sequence + 1, Phase.IN_PLACE, generation, to, image, 0, "", 0);
    }
}
