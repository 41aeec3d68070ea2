package io.replicate.core.contract;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * The moment at which the power goes. {@link FaultySink} and {@link FaultyCheckpoint} that share one stop at the same
 * moment, and nothing works afterwards. A test first counts the steps of an undisturbed run, and then fails at each:
 *
 * <pre>{@code
 * PowerFailure count = PowerFailure.never();
 * run(count);
 * for (int step = 0; step < count.steps().size(); step++) {
 *     PowerFailure failure = PowerFailure.at(step, seed);
 *     assertThatThrownBy(() -> run(failure));
 *     run(PowerFailure.never()); // resumes
 *     assertThat(target).isEqualTo(source);
 * }
 * }</pre>
 *
 * Thread-safe.
 */
public final class PowerFailure {

    /** What every call throws from the moment on. */
    public static final class PowerIsOff extends IOException {
        private static final long serialVersionUID = 1L;

        PowerIsOff(final String message) {
            super(message);
        }
    }

    private final int failAt;
    private final Random random;
    private final List<String> steps = Collections.synchronizedList(new ArrayList<>());
    private volatile boolean off;

    private PowerFailure(final int failAt, final long seed) {
        this.failAt = failAt;
        this.random = new Random(seed);
    }

    /** Returns one that only counts. */
    public static PowerFailure never() {
        return new PowerFailure(-1, 0);
    }

    /** Returns one at step {@code number}, from 0; {@code seed} decides what of the unflushed writes survives. */
    public static PowerFailure at(final int number, final long seed) {
        return new PowerFailure(number, seed);
    }

    /** Returns the names of the steps that were reached. */
    public List<String> steps() {
        return List.copyOf(steps);
    }

    /** Returns whether the moment has come. */
    public boolean isOff() {
        return off;
    }

    /** Returns the luck of an unflushed write, once the power is off. */
    boolean survives() {
        synchronized (random) {
            return random.nextBoolean();
        }
    }

    /** Passes a step, or ends here. Returns true exactly once: when this step is the moment. */
    synchronized boolean reaches(final String step) throws PowerIsOff {
        requirePower(step);
        steps.add(step);
        off = steps.size() - 1 == failAt;
        return off;
    }

    void requirePower(final String step) throws PowerIsOff {
        if (off) {
            throw new PowerIsOff("the power went at step " + failAt + " (" + steps.get(failAt) + "), before " + step);
        }
    }

    PowerIsOff now() {
        return new PowerIsOff("the power went at step " + failAt + " (" + steps.get(failAt) + ")");
    }
}
