package io.replicate.examples.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;

@Command(subcommands = {RingServeCommand.class, RingJoinCommand.class})
final class RingCommand extends AbstractCommand {
    @Override
    int run() {
        throw new ParameterException(
                spec.commandLine(), "say 'serve' on the machine with the source, 'join' on a node");
    }
}
