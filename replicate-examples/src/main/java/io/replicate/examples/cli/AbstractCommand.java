package io.replicate.examples.cli;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.slf4j.simple.SimpleLogger;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * What every command has: {@code --help}, {@code --verbose}, its two streams and its exit code. Results go to
 * {@link #out()}; progress, logs and reports go to {@link #err()}. A failure is thrown: {@link Failures} turns it into
 * one line and an exit code.
 */
abstract class AbstractCommand implements Callable<Integer> {
    @Spec
    CommandSpec spec;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help and exit.")
    boolean help;

    @Option(
            names = {"-v", "--verbose"},
            description = "Log what happens; show stack traces of failures.")
    private boolean verbose;

    /**
     * Does the work.
     *
     * @return one of {@link ExitCode}.
     * @throws Exception when the work cannot be done; see {@link Failures}.
     */
    abstract int run() throws Exception;

    @Override
    public final Integer call() throws Exception {
        if (verbose && logsWhenVerbose()) {
            // read when the first logger is made, which is after this
            System.setProperty(SimpleLogger.LOG_KEY_PREFIX + "io.replicate", "debug");
        }
        return run();
    }

    /** Returns whether {@code -v} shows the log too; not where it is the drop-in option of another tool. */
    boolean logsWhenVerbose() {
        return true;
    }

    /** Returns whether the user asked for details. */
    final boolean verbose() {
        return verbose;
    }

    /** Returns where results go. */
    final PrintWriter out() {
        return spec.commandLine().getOut();
    }

    /** Returns where progress and reports go. */
    final PrintWriter err() {
        return spec.commandLine().getErr();
    }
}
