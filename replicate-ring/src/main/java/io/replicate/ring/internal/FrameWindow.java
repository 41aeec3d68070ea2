package io.replicate.ring.internal;

import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Frames in a row, taken from the front and added at the back, each of which is found by its number at once: thousands
 * of them are in the window of a node that keeps none in memory. Not safe for use by several threads.
 */
final class FrameWindow {
    private static final int SMALLEST = 16;

    /** A power of two of places, of which a run is in use. */
    private @Nullable Frame[] places = new Frame[SMALLEST];

    private long first;
    private int size;

    int size() {
        return size;
    }

    boolean isEmpty() {
        return size == 0;
    }

    /** Returns the number of the first frame; frames are numbered from 0 on, whether they are still there or not. */
    long first() {
        return first;
    }

    /** Returns the number that the next frame will have. */
    long end() {
        return first + size;
    }

    void add(final Frame frame) {
        if (size == places.length) {
            grow();
        }
        places[place(end())] = frame;
        size++;
    }

    private void grow() {
        final @Nullable Frame[] larger = new Frame[2 * places.length];
        for (long number = first; number < end(); number++) {
            larger[(int) number & (larger.length - 1)] = places[place(number)];
        }
        places = larger;
    }

    /**
     * Returns a frame.
     *
     * @throws IndexOutOfBoundsException when it is not, or no longer, in the window.
     */
    Frame get(final long number) {
        final @Nullable Frame frame = number < first || number >= end() ? null : places[place(number)];
        if (frame == null) {
            throw new IndexOutOfBoundsException("frame " + number + " of " + first + " to " + end());
        }
        return frame;
    }

    /** Takes the first frame out. */
    Frame removeFirst() {
        final Frame frame = get(first);
        places[place(first)] = null;
        first++;
        size--;
        return frame;
    }

    /** Takes all frames out, and hands each over. */
    void drain(final Consumer<Frame> to) {
        while (!isEmpty()) {
            to.accept(removeFirst());
        }
        Arrays.fill(places, null);
    }

    private int place(final long number) {
        return (int) number & (places.length - 1);
    }
}
