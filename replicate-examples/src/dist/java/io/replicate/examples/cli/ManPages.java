package io.replicate.examples.cli;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.codegen.docgen.manpage.ManPageGenerator;

/** Writes a man page in AsciiDoc for {@code replicate} and for each of its commands. */
final class ManPages {
    private ManPages() {}

    /** Writes the pages to the directory that the only argument names. */
    public static void main(final String[] args) throws IOException {
        final PrintWriter nowhere = new PrintWriter(Writer.nullWriter());
        final CommandSpec root =
                CommandSpec.create().name("replicate").version("replicate " + VersionCommand.version());
        root.usageMessage()
                .header("Move and keep copies of disks, images and blocks")
                .description(
                        "K, M, G and T are 1024-based. Results go to stdout; progress, logs and reports to stderr.",
                        "Exit status: 0 done, 1 failed, 2 wrong usage, 3 some parts failed, 130 or 143 on a signal,"
                                + " 141 done, but who was to read the output had gone.");
        final CommandLine line = new CommandLine(root);
        for (final Commands.Entry entry : Commands.ALL) {
            line.addSubcommand(entry.name(), entry.commandLine(nowhere, nowhere));
            line.getSubcommands()
                    .get(entry.name())
                    .setCommandName(entry.name())
                    .getCommandSpec()
                    .version(root.version());
        }
        final int code = ManPageGenerator.generateManPage(new File(args[0]), null, new boolean[0], true, root);
        if (code != 0) {
            throw new IOException("the man pages could not be written to " + args[0] + ": " + code);
        }
    }
}
