package io.replicate.examples.cli;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Objects;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** Turns a failure into one line on stderr and an exit code. */
final class Failures {
    private Failures() {}

    /** Reports a command line that cannot be understood. */
    static int usage(final ParameterException failure, final String[] args) {
        final CommandLine line = failure.getCommandLine();
        final String name = line.getCommandSpec().qualifiedName();
        line.getErr()
                .println(name + ": " + oneLine(String.valueOf(failure.getMessage())) + " (see '" + name + " --help')");
        return line.getCommandSpec().exitCodeOnInvalidInput();
    }

    /** Reports a command that failed. */
    static int execution(final Exception failure, final CommandLine line, final ParseResult parsed) {
        final boolean verbose = line.getCommand() instanceof AbstractCommand command && command.verbose();
        // Where -v is the drop-in option of another tool and asks for its report, a refusal stays one line.
        final boolean details = !(line.getCommand() instanceof AbstractCommand command) || command.logsWhenVerbose();
        line.getErr().println(line.getCommandSpec().qualifiedName() + ": " + describe(failure));
        if (verbose && (details || !(failure instanceof ReplicationException))) {
            failure.printStackTrace(line.getErr());
        }
        return ReplicationException.categoryOf(failure) == ReplicationException.Category.MISUSE
                ? line.getCommandSpec().exitCodeOnInvalidInput()
                : line.getCommandSpec().exitCodeOnExecutionException();
    }

    /** Returns one line that says what failed. */
    static String describe(final Throwable failure) {
        if (failure instanceof FileSystemException file) {
            return file.getFile() + ": " + reason(file);
        }
        if (failure.getCause() instanceof FileSystemException file
                && Objects.equals(failure.getMessage(), file.getMessage())) {
            return describe(file); // its message may be no more than the path
        }
        if (failure instanceof IOException && failure.getMessage() != null) {
            return oneLine(failure.getMessage());
        }
        final String message = failure.getMessage() == null ? "" : ": " + oneLine(failure.getMessage());
        return "internal error: " + failure.getClass().getSimpleName() + message + " (-v shows where)";
    }

    private static String reason(final FileSystemException failure) {
        if (failure instanceof NoSuchFileException) {
            return "no such file or directory";
        }
        if (failure instanceof AccessDeniedException) {
            return "permission denied";
        }
        if (failure instanceof FileAlreadyExistsException) {
            return "exists already";
        }
        return failure.getReason() == null ? failure.getClass().getSimpleName() : oneLine(failure.getReason());
    }

    private static String oneLine(final String text) {
        return Terminal.printable(text.strip().replaceAll("\\s*\\R\\s*", " "));
    }
}
