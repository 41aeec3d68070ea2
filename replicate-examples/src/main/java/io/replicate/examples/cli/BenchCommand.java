package io.replicate.examples.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;

@Command(
        subcommands = {
            BenchCopyCommand.class,
            BenchRingCommand.class,
            BenchCasCommand.class,
            BenchDeltaCommand.class,
            BenchNbdCommand.class
        })
final class BenchCommand extends AbstractCommand {
    @Override
    int run() {
        throw new ParameterException(
                spec.commandLine(),
                "say what to measure: "
                        + String.join(", ", spec.commandLine().getSubcommands().keySet()));
    }
}
