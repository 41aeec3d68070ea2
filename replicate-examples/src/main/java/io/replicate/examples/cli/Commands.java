package io.replicate.examples.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import picocli.CommandLine;

/** Every command, in the order of the help. A new command is one line in {@link #ALL}. */
final class Commands {
    /** The commands; a command's class is loaded when the command is used. */
    static final List<Entry> ALL = List.of(
            new Entry(
                    "copy",
                    "Copy a file, device or volume to another, resumable and verified.",
                    () -> new CopyCommand()),
            new Entry("dds", "Ship what changed of a volume, and merge it into a copy.", () -> new DdsCommand()),
            new Entry("help", "Show the commands, or the options of one command.", () -> new HelpCommand()),
            new Entry("bench", "Measure against the peers, side by side.", () -> new BenchCommand()),
            new Entry("demo", "Watch a ring clone an image and lose a node on the way.", () -> new DemoCommand()),
            new Entry(
                    "keep-rsync",
                    "Copy the blocks that one Keep cluster has and another lacks.",
                    () -> new KeepRsyncCommand()),
            new Entry(
                    "dolly",
                    "Clone to many machines as dolly does, in a ring with old dolly nodes or without.",
                    () -> new DollyCommand()),
            new Entry("nbd", "Serve volumes to NBD clients, and use those of other servers.", () -> new NbdCommand()),
            new Entry("ring", "Clone a disk or an image to many machines.", () -> new RingCommand()),
            new Entry("version", "Show the version.", () -> new VersionCommand()));

    private Commands() {}

    /**
     * A command by name.
     *
     * @param name as it is typed.
     * @param summary one sentence for the list of commands; the first line of the command's own help.
     * @param factory makes the picocli command object.
     */
    record Entry(String name, String summary, Supplier<Object> factory) {
        /** Returns the command, ready to execute. */
        CommandLine commandLine(final PrintWriter out, final PrintWriter err) {
            final CommandLine line = new CommandLine(factory.get());
            line.setCommandName("replicate " + name);
            line.getCommandSpec().usageMessage().header(summary);
            line.setOut(out);
            line.setErr(err);
            line.setExpandAtFiles(false);
            line.setCaseInsensitiveEnumValuesAllowed(true);
            line.setParameterExceptionHandler(Failures::usage);
            line.setExecutionExceptionHandler(Failures::execution);
            line.setExecutionStrategy(parsed -> execute(line, parsed));
            return line;
        }

        /** Runs the command; where help counts as wrong usage, as in the tool that it stands in for, it is no result. */
        private static int execute(final CommandLine line, final CommandLine.ParseResult parsed) {
            final int code = line.getCommandSpec().exitCodeOnUsageHelp();
            if (parsed.isUsageHelpRequested() && code != ExitCode.OK) {
                line.usage(line.getErr());
                return code;
            }
            return new CommandLine.RunLast().execute(parsed);
        }
    }

    /** Returns the command of that name. */
    static Optional<Entry> find(final String name) {
        return ALL.stream().filter(entry -> entry.name().equals(name)).findFirst();
    }
}
