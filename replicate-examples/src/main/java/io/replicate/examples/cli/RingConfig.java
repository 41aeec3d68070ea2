package io.replicate.examples.cli;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParameterException;

/**
 * A file of options: {@code name = value} on each line, named as on the command line but without the dashes; {@code #}
 * begins a comment. The arguments are {@code source}, {@code target} and {@code node}, which may stand on several lines.
 * What the command line says itself wins.
 */
final class RingConfig implements IDefaultValueProvider {
    private static final String NODE = "node";

    private final Map<String, String> values = new HashMap<>();
    private @Nullable Path loaded;

    /** A command that may be given such a file. */
    interface Configurable {
        /** Returns the file, or null when none was named. */
        @Nullable
        Path config();
    }

    @Override
    public @Nullable String defaultValue(final ArgSpec argument) {
        final CommandSpec spec = argument.command();
        final @Nullable Path file =
                spec.userObject() instanceof Configurable configurable ? configurable.config() : null;
        if (file == null) {
            return null;
        }
        if (!file.equals(loaded)) {
            loaded = file;
            load(file, spec);
        }
        return values.get(name(argument));
    }

    private static String name(final ArgSpec argument) {
        return argument instanceof OptionSpec option
                ? option.longestName().substring(2)
                : argument.paramLabel().toLowerCase(Locale.ROOT);
    }

    private void load(final Path file, final CommandSpec spec) {
        final List<String> lines;
        try {
            lines = Files.readAllLines(file, StandardCharsets.UTF_8);
        } catch (final CharacterCodingException e) {
            throw new ParameterException(spec.commandLine(), file + ": is not text in UTF-8", e);
        } catch (final NoSuchFileException e) {
            throw new ParameterException(spec.commandLine(), file + ": no such file", e);
        } catch (final IOException e) {
            throw new ParameterException(spec.commandLine(), file + ": cannot be read: " + e, e);
        }
        for (int i = 0; i < lines.size(); i++) {
            final String line = lines.get(i).strip();
            if (!line.isEmpty() && !line.startsWith("#")) {
                final String problem = take(line, spec);
                if (problem != null) {
                    throw new ParameterException(spec.commandLine(), file + ":" + (i + 1) + ": " + problem);
                }
            }
        }
    }

    /** Returns what is wrong with a line, or null. */
    private @Nullable String take(final String line, final CommandSpec spec) {
        final int equals = line.indexOf('=');
        if (equals < 1) {
            return "expected NAME = VALUE";
        }
        final String name = line.substring(0, equals).strip();
        final String value = line.substring(equals + 1).strip();
        if (value.isEmpty()) {
            return "'" + name + "' has no value";
        }
        if (NODE.equals(name) && isArgument(spec, NODE)) {
            values.merge(NODE, value, (a, b) -> a + " " + b);
            return null;
        }
        final @Nullable OptionSpec option = spec.findOption("--" + name);
        if (option == null ? !isArgument(spec, name) : option.usageHelp() || "config".equals(name)) {
            return "unknown name '" + name + "'";
        }
        if (option != null && option.arity().max() == 0 && !value.matches("true|false")) {
            return "'" + name + "' is '" + value + "', expected true or false";
        }
        return values.put(name, value) == null ? null : "'" + name + "' is given twice";
    }

    private static boolean isArgument(final CommandSpec spec, final String name) {
        for (final PositionalParamSpec parameter : spec.positionalParameters()) {
            if (parameter.paramLabel().toLowerCase(Locale.ROOT).equals(name)) {
                return true;
            }
        }
        return false;
    }
}
