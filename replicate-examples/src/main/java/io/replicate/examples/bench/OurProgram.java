package io.replicate.examples.bench;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;

/** How this program is started again, as the launcher started it. */
final class OurProgram {
    private static final String LAUNCHER_OPTION = "-XX:";

    private OurProgram() {}

    /** Returns java, its options and the main class; a command and its arguments follow. */
    static List<String> command(final String... options) {
        final List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElse("java"));
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(argument -> argument.startsWith(LAUNCHER_OPTION))
                .forEach(command::add);
        command.add("-Xshare:auto");
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "io.replicate.examples.cli.Main"));
        return command;
    }
}
