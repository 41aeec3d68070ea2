package io.replicate.examples.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;

@Command(
        subcommands = {
            NbdServeCommand.class,
            NbdInfoCommand.class,
            NbdListCommand.class,
            NbdMapCommand.class,
            NbdReadCommand.class,
            NbdWriteCommand.class,
            NbdBitmapCommand.class
        })
final class NbdCommand extends AbstractCommand {
    @Override
    int run() {
        throw new ParameterException(spec.commandLine(), "say one of serve, info, list, map, read, write, bitmap");
    }
}
