package io.replicate.examples.cli;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * A file of options: {@code name = value} in each line, named as on the command line but without the dashes; {@code #}
 * begins a comment. {@code source}, {@code target} and {@code node} (once for each node, in order) are the arguments.
 * What the command line says itself wins.
 */
final class RingConfig {
    private static final String NODE = "node";

    private final Path file;
    private final CommandSpec spec;
    private final List<String> positions;
    private final Map<String, List<String>> values = new HashMap<>();

    private RingConfig(final Path file, final CommandSpec spec, final List<String> positions) {
        this.file = file;
        this.spec = spec;
        this.positions = positions;
    }

    /**
     * Returns the arguments that a file stands for: options first, then what is at the named positions.
     *
     * @param positions names of the arguments, in order; {@code node} may be there several times.
     * @throws ReplicationException MISUSE with file and line, when a line is not understood.
     */
    static List<String> arguments(final Path file, final CommandSpec spec, final List<String> positions)
            throws IOException {
        return new RingConfig(file, spec, positions).read();
    }

    private List<String> read() throws IOException {
        final List<String> lines;
        try {
            lines = Files.readAllLines(file, StandardCharsets.UTF_8);
        } catch (final CharacterCodingException e) {
            throw new ReplicationException(
                    ReplicationException.Category.MISUSE, file + ": is not text in UTF-8", e);
        }
        final List<String> options = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            line(lines.get(i).strip(), i + 1, options);
        }
        for (final String position : positions) {
            options.addAll(values.getOrDefault(position, List.of()));
        }
        return options;
    }

    private void line(final String line, final int number, final List<String> options) throws ReplicationException {
        if (line.isEmpty() || line.startsWith("#")) {
            return;
        }
        final int equals = line.indexOf('=');
        if (equals < 1) {
            throw wrong(number, "expected NAME = VALUE");
        }
        final String name = line.substring(0, equals).strip();
        final String value = line.substring(equals + 1).strip();
        if (value.isEmpty()) {
            throw wrong(number, "'" + name + "' has no value");
        }
        final List<String> before = values.computeIfAbsent(name, key -> new ArrayList<>());
        if (!before.isEmpty() && !NODE.equals(name)) {
            throw wrong(number, "'" + name + "' is given twice");
        }
        before.add(value);
        if (!positions.contains(name)) {
            option(name, value, number, options);
        }
    }

    private void option(final String name, final String value, final int number, final List<String> options)
            throws ReplicationException {
        final OptionSpec option = spec.findOption("--" + name);
        if (option == null || option.usageHelp() || "config".equals(name)) {
            throw wrong(number, "unknown name '" + name + "'");
        }
        if (option.arity().max() > 0) {
            options.add("--" + name + "=" + value);
        } else if ("true".equals(value)) {
            options.add("--" + name);
        } else if (!"false".equals(value)) {
            throw wrong(number, "'" + name + "' is '" + value + "', expected true or false");
        }
    }

    private ReplicationException wrong(final int number, final String what) {
        return ReplicationException.misuse(file + ":" + number + ": " + what);
    }
}
