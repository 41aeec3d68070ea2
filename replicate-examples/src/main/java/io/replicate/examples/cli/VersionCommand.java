package io.replicate.examples.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.Properties;
import picocli.CommandLine.Command;

@Command
final class VersionCommand extends AbstractCommand {
    @Override
    int run() throws IOException {
        out().println("replicate " + version() + " (Java " + Runtime.version() + ")");
        return ExitCode.OK;
    }

    /** Returns the version that Maven built. */
    static String version() throws IOException {
        final Properties properties = new Properties();
        try (InputStream in = VersionCommand.class.getResourceAsStream("version.properties")) {
            if (in == null) {
                throw new IOException("version.properties is not in the jar: build it again");
            }
            properties.load(in);
        }
        return properties.getProperty("version", "unknown");
    }
}
