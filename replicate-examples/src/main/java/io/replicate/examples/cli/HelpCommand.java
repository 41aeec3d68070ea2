package io.replicate.examples.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

@Command
final class HelpCommand extends AbstractCommand {
    @Parameters(arity = "0..*", paramLabel = "COMMAND", description = "The command, and its subcommand if it has one.")
    private List<String> path = new ArrayList<>();

    @Override
    int run() {
        if (path.isEmpty()) {
            commands(out());
            return ExitCode.OK;
        }
        CommandLine line = Commands.find(path.get(0))
                .orElseThrow(() -> unknown(path.get(0)))
                .commandLine(out(), err());
        for (final String name : path.subList(1, path.size())) {
            final CommandLine sub = line.getSubcommands().get(name);
            if (sub == null) {
                throw unknown(String.join(" ", path));
            }
            line = sub;
        }
        line.usage(out());
        return ExitCode.OK;
    }

    private ParameterException unknown(final String name) {
        return new ParameterException(spec.commandLine(), "there is no command '" + name + "'");
    }

    /** Lists the commands. */
    static void commands(final PrintWriter to) {
        final int width = Commands.ALL.stream()
                .mapToInt(entry -> entry.name().length())
                .max()
                .orElse(0);
        to.println("Usage: replicate COMMAND [OPTION]... [ARGUMENT]...");
        to.println("Moves and keeps copies of disks, images and blocks.");
        to.println();
        to.println("Commands:");
        for (final Commands.Entry entry : Commands.ALL) {
            to.println("  " + entry.name() + " ".repeat(width - entry.name().length()) + "  " + entry.summary());
        }
        to.println();
        to.println("'replicate help COMMAND' shows the options of a command. K, M, G and T are 1024-based.");
        to.println("Exit status: 0 done, 1 failed, 2 wrong usage, 3 some parts failed, 130 or 143 on a signal,");
        to.println("141 done, but who was to read the output had gone.");
    }
}
