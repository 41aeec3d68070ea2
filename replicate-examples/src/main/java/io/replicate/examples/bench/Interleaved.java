package io.replicate.examples.bench;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Runs contestants in turn, round by round, and compares medians: on a machine whose speed changes within minutes only
 * neighbours in time can be compared. A ratio is that of two contestants in the same round, and its median is taken.
 */
final class Interleaved {
    private final PrintWriter out;
    private final double bytes;
    private final Map<String, Contestant> contestants = new LinkedHashMap<>();
    private final Map<String, Contestant> quarters = new LinkedHashMap<>();
    private final Map<String, List<Run>> runs = new LinkedHashMap<>();
    private final Map<String, List<Double>> furtherCpuSeconds = new LinkedHashMap<>();

    /**
     * How a run went.
     *
     * @param seconds from start to end.
     * @param cpuSeconds user and system time of all its processes.
     */
    record Run(double seconds, double cpuSeconds) {}

    /** One of those who are compared. */
    interface Contestant {
        Run run() throws IOException, InterruptedException;
    }

    /** @param bytes that each run moves, for rates; 0 when there is no such number. */
    Interleaved(final PrintWriter out, final long bytes) {
        this.out = out;
        this.bytes = bytes;
    }

    /** Adds a contestant; they run in the order in which they were added. */
    Interleaved add(final String name, final Contestant contestant) {
        contestants.put(name, contestant);
        runs.put(name, new ArrayList<>());
        return this;
    }

    /** Adds a contestant that also does a quarter of the work, which tells its start from what each byte costs. */
    Interleaved add(final String name, final Contestant contestant, final Contestant quarter) {
        quarters.put(name, quarter);
        furtherCpuSeconds.put(name, new ArrayList<>());
        return add(name, contestant);
    }

    /** Runs everybody {@code rounds} times, and prints each run. The first round does not count: it warms up. */
    void run(final int rounds) throws IOException, InterruptedException {
        for (int round = 0; round <= rounds; round++) {
            for (final Map.Entry<String, Contestant> contestant : contestants.entrySet()) {
                final String name = contestant.getKey();
                final Run run = contestant.getValue().run();
                print(round, name, run, bytes);
                final @Nullable Contestant quarter = quarters.get(name);
                final @Nullable Run less = quarter == null ? null : quarter.run();
                if (less != null) {
                    print(round, name + ", a quarter", less, bytes / 4);
                }
                if (round > 0) {
                    runs(name).add(run);
                    furtherCpuSeconds.computeIfPresent(name, (key, list) -> {
                        list.add(run.cpuSeconds() - (less == null ? 0 : less.cpuSeconds()));
                        return list;
                    });
                }
            }
        }
    }

    private void print(final int round, final String name, final Run run, final double moved) {
        out.printf(
                "  %-8s %-34s %8.2f s %9.1f MB/s %7.2f CPU s%n",
                round == 0 ? "warm-up" : "round " + round,
                name,
                run.seconds(),
                moved / 1e6 / run.seconds(),
                run.cpuSeconds());
        out.flush();
    }

    private List<Run> runs(final String name) {
        final List<Run> list = runs.get(name);
        if (list == null) {
            throw new IllegalArgumentException("no contestant '" + name + "'");
        }
        return list;
    }

    /** Prints the medians of everybody. */
    void table() {
        out.printf("%nmedians of %d rounds:%n", runs.values().iterator().next().size());
        final boolean both = !quarters.isEmpty();
        out.printf("%-28s  %8s  %9s  %9s%s%n", "", "seconds", "MB/s", "CPU s/GiB", both ? "  further GiB" : "");
        for (final String name : runs.keySet()) {
            out.printf(
                    "%-28s  %8.2f  %9.1f  %9.2f%s%n",
                    name,
                    seconds(name),
                    bytes / 1e6 / seconds(name),
                    cpuSecondsPerGib(name),
                    quarters.containsKey(name) ? String.format("  %11.2f", cpuSecondsPerFurtherGib(name)) : "");
        }
        out.println();
        out.flush();
    }

    /** Returns the median time of a contestant in seconds. */
    double seconds(final String name) {
        return Medians.of(runs(name).stream().mapToDouble(Run::seconds).toArray());
    }

    /** Returns the median processor time of a contestant, in seconds for each GiB. */
    double cpuSecondsPerGib(final String name) {
        return Medians.of(runs(name).stream().mapToDouble(Run::cpuSeconds).toArray()) / (bytes / (1 << 30));
    }

    /** Returns the median processor time of a contestant for each GiB after its start, in seconds. */
    double cpuSecondsPerFurtherGib(final String name) {
        final @Nullable List<Double> further = furtherCpuSeconds.get(name);
        if (further == null) {
            throw new IllegalArgumentException("'" + name + "' did no quarter of its work");
        }
        return Medians.of(further.stream().mapToDouble(Double::doubleValue).toArray()) / (0.75 * bytes / (1 << 30));
    }

    /** Returns the median, over the rounds, of the time of one contestant to that of another in the same round. */
    double timeRatio(final String name, final String other) {
        final List<Run> ours = runs(name);
        final List<Run> theirs = runs(other);
        final double[] ratios = new double[ours.size()];
        for (int i = 0; i < ratios.length; i++) {
            ratios[i] = ours.get(i).seconds() / theirs.get(i).seconds();
        }
        return Medians.of(ratios);
    }

    /** Returns the faster of some contestants, by median. */
    String fastest(final String... names) {
        String best = names[0];
        for (final String name : names) {
            best = seconds(name) < seconds(best) ? name : best;
        }
        return best;
    }
}
