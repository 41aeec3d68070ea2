package io.replicate.examples.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.util.Arrays;
import java.util.Optional;

/** Runs the command that the first argument names. */
public final class Main {
    private Main() {}

    /** Runs a command and ends the JVM with its exit code. */
    public static void main(final String[] args) {
        final StandardOutput stdout = new StandardOutput(new FileOutputStream(FileDescriptor.out));
        final PrintWriter out = writer(stdout);
        final PrintWriter err = writer(new FileOutputStream(FileDescriptor.err));
        final int code = run(out, err, args);
        final boolean lost = out.checkError();
        if (lost && stdout.readerIsGone() && code == ExitCode.OK) {
            System.exit(
                    ExitCode.BROKEN_PIPE); // as who is ended by SIGPIPE, and as quietly: the JVM ignores that signal
        }
        if (lost && code == ExitCode.OK) {
            err.println("replicate: the standard output could not be written to its end");
        }
        err.flush();
        System.exit(lost && code == ExitCode.OK ? ExitCode.FAILED : code);
    }

    /** Runs a command. */
    static int run(final PrintWriter out, final PrintWriter err, final String... args) {
        if (args.length == 0) {
            HelpCommand.commands(err);
            return ExitCode.USAGE;
        }
        final String name = switch (args[0]) {
            case "-h", "--help" -> "help";
            case "-V", "--version" -> "version";
            default -> args[0];
        };
        final Optional<Commands.Entry> entry = Commands.find(name);
        if (entry.isEmpty()) {
            err.println("replicate: there is no command '" + name + "' ('replicate help' lists them)");
            return ExitCode.USAGE;
        }
        return entry.get().commandLine(out, err).execute(Arrays.copyOfRange(args, 1, args.length));
    }

    private static PrintWriter writer(final OutputStream to) {
        return new PrintWriter(to, true, Charset.defaultCharset());
    }
}
