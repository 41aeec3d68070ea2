package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.spi.ReplicationException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(final String... args) {
        return Main.run(new PrintWriter(out, true), new PrintWriter(err, true), args);
    }

    /** Runs a command that is not in the list. */
    private int runCommand(final Object command, final String... args) {
        return new Commands.Entry("try", "Try.", () -> command)
                .commandLine(new PrintWriter(out, true), new PrintWriter(err, true))
                .execute(args);
    }

    @Command
    static final class Throwing extends AbstractCommand {
        private final Exception failure;

        @Option(names = "--rate")
        private int rate;

        Throwing(final Exception failure) {
            this.failure = failure;
        }

        @Override
        int run() throws Exception {
            throw failure;
        }
    }

    @Test
    void helpListsEveryCommandOnStdout() {
        assertThat(run("help")).isZero();

        assertThat(out.toString())
                .contains(Commands.ALL.stream().map(Commands.Entry::name).toList())
                .contains(Commands.ALL.stream().map(Commands.Entry::summary).toList());
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void everyCommandHasItsOwnNameAndAHelpThatShowsIt() {
        assertThat(Commands.ALL).extracting(Commands.Entry::name).doesNotHaveDuplicates();
        for (final Commands.Entry entry : Commands.ALL) {
            out.getBuffer().setLength(0);

            assertThat(run("help", entry.name())).as(entry.name()).isZero();
            assertThat(out.toString()).contains(entry.summary()).contains("replicate " + entry.name());
        }
    }

    @Test
    void versionIsTheOneThatMavenBuilt() {
        assertThat(run("--version")).isZero();
        assertThat(out.toString()).matches("replicate \\d+\\.\\d+\\.\\d+\\S* \\(Java \\S+\\)\\R");
    }

    @Test
    void withoutACommandTheListGoesToStderr() {
        assertThat(run()).isEqualTo(2);
        assertThat(out.toString()).isEmpty();
        assertThat(err.toString()).contains("Usage: replicate COMMAND");
    }

    @Test
    void wrongUsageIsOneLineAndExitCodeTwo() {
        for (final List<String> args : List.of(
                List.of("no-such-command"),
                List.of("--no-such-option"),
                List.of("help", "no-such-command"),
                List.of("version", "--no-such-option"),
                List.of("version", "superfluous"))) {
            err.getBuffer().setLength(0);

            assertThat(run(args.toArray(String[]::new))).as("%s", args).isEqualTo(2);
            assertThat(err.toString().lines())
                    .as("%s", args)
                    .hasSize(1)
                    .first()
                    .asString()
                    .startsWith("replicate");
        }
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void anOptionValueThatIsNoNumberIsWrongUsage() {
        assertThat(runCommand(new Throwing(new Exception()), "--rate", "fast")).isEqualTo(2);
        assertThat(err.toString().lines())
                .hasSize(1)
                .first()
                .asString()
                .contains("--rate")
                .contains("fast");
    }

    @Test
    void aFailureIsOneLineAndExitCodeOne() {
        assertThat(runCommand(new Throwing(ReplicationException.fail("pwrite /dev/x offset=1: ENOSPC", null))))
                .isEqualTo(1);
        assertThat(err.toString()).isEqualTo("replicate try: pwrite /dev/x offset=1: ENOSPC" + System.lineSeparator());
    }

    @Test
    void misuseFoundLaterIsStillExitCodeTwo() {
        assertThat(runCommand(new Throwing(ReplicationException.misuse("no backend for 'x:'"))))
                .isEqualTo(2);
    }

    @Test
    void aMissingFileIsNamed() {
        assertThat(runCommand(new Throwing(new NoSuchFileException("/tmp/a")))).isEqualTo(1);
        assertThat(err.toString()).contains("/tmp/a: no such file or directory");
    }

    @Test
    void stackTracesAppearOnlyWithVerbose() {
        assertThat(runCommand(new Throwing(new IllegalStateException("bug\nhere"))))
                .isEqualTo(1);
        assertThat(err.toString().lines()).hasSize(1).first().asString().contains("IllegalStateException: bug here");

        assertThat(runCommand(new Throwing(new IllegalStateException("bug")), "-v"))
                .isEqualTo(1);
        assertThat(err.toString()).contains("at io.replicate.examples.cli.MainTest");
    }

    @Test
    void aCommandThatStartsWithAtIsNotAFileOfArguments() {
        @Command
        final class Echo implements Callable<Integer> {
            @picocli.CommandLine.Parameters
            private List<String> arguments = List.of();

            @Override
            public Integer call() {
                out.write(String.join(",", arguments));
                return 0;
            }
        }

        assertThat(runCommand(new Echo(), "@/etc/passwd")).isZero();
        assertThat(out.toString()).isEqualTo("@/etc/passwd");
    }
}
