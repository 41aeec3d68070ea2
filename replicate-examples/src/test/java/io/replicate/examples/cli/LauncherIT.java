package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs the launcher in a copy of the tree, in a directory whose name has a blank. */
class LauncherIT {
    @TempDir
    static Path temp;

    private static Path launcher;

    /** A process, with its output in files so that it never blocks. */
    record Running(Process process, Path out, Path err) {
        static Running start(final Path in, final Map<String, String> environment, final Object... command)
                throws IOException {
            final ProcessBuilder builder = new ProcessBuilder(
                            Stream.of(command).map(Object::toString).toList())
                    .directory(in.toFile())
                    .redirectInput(Path.of("/dev/null").toFile());
            builder.environment().putAll(environment);
            final Path out = Files.createTempFile(temp, "out", "");
            final Path err = Files.createTempFile(temp, "err", "");
            return new Running(
                    builder.redirectOutput(out.toFile())
                            .redirectError(err.toFile())
                            .start(),
                    out,
                    err);
        }

        Ran end() throws Exception {
            if (!process.waitFor(5, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new AssertionError("still running after 5 minutes");
            }
            return new Ran(process.exitValue(), Files.readString(out), Files.readString(err));
        }
    }

    record Ran(int exit, String out, String err) {}

    private static Ran replicate(final Object... arguments) throws Exception {
        final List<Object> command = new ArrayList<>(List.of(launcher));
        command.addAll(List.of(arguments));
        return Running.start(temp, Map.of(), command.toArray()).end();
    }

    @BeforeAll
    static void buildOnceThoughStartedThreeTimes() throws Exception {
        for (final String tool : List.of("mvn", "flock", "tar")) {
            assumeTrue(
                    Stream.of(System.getenv("PATH").split(":")).anyMatch(dir -> Files.isExecutable(Path.of(dir, tool))),
                    "missing tool: " + tool);
        }
        final Path tree = Files.createDirectory(temp.resolve("a tree"));
        final Ran copy = Running.start(
                        Path.of("").toAbsolutePath().getParent(),
                        Map.of(),
                        "bash",
                        "-c",
                        "tar -c --exclude=target --exclude=./.git . | tar -x -C \"$0\"",
                        tree)
                .end();
        assertThat(copy.exit()).as(copy.err()).isZero();
        launcher = tree.resolve("replicate");

        final List<Running> first = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            first.add(Running.start(temp, Map.of(), launcher, "version"));
        }
        int builds = 0;
        for (final Running running : first) {
            final Ran ran = running.end();
            assertThat(ran.exit()).as(ran.err()).isZero();
            assertThat(ran.out()).startsWith("replicate ");
            builds += ran.err().contains("building (first use)") ? 1 : 0;
        }
        assertThat(builds).isEqualTo(1);
    }

    @Test
    void passesExitCodesFromAnyDirectoryThroughASymlink() throws Exception {
        final Path link = Files.createSymbolicLink(temp.resolve("link"), launcher);

        assertThat(Running.start(Path.of("/"), Map.of(), link, "help").end().exit())
                .isZero();
        assertThat(Running.start(Path.of("/"), Map.of(), link, "no-such-command")
                        .end()
                        .exit())
                .isEqualTo(2);
    }

    @Test
    void runsTheDropInCommandThatTheSymlinkIsNamedAfter() throws Exception {
        for (final String name : List.of("dolly", "dds", "keep-rsync", "flexnbd", "flexnbd-proxy", "hammer")) {
            final Path link = Files.createSymbolicLink(temp.resolve(name), launcher);

            assertThat(Running.start(temp, Map.of(), link, "--help").end()).isEqualTo(replicate(name, "--help"));
        }
    }

    /** cron and systemd start programs so, and a login may name a locale that the machine does not have. */
    @Test
    void namesFilesWithAnyLettersInAnAsciiLocale() throws Exception {
        for (final String locale : List.of("C", "POSIX", "xx_XX.UTF-8")) {
            final Ran ran = Running.start(
                            Files.createTempDirectory(temp, "letters"),
                            Map.of("LC_ALL", locale),
                            "bash",
                            "-c",
                            "echo text >$'\\303\\274' && \"$0\" copy $'\\303\\274' $'\\303\\266' && cmp $'\\303\\274'"
                                    + " $'\\303\\266'",
                            launcher)
                    .end();

            assertThat(ran.exit()).as("%s: %s", locale, ran).isZero();
        }
    }

    @Test
    void saysInItsOwnWordsThatTheCurrentDirectoryIsGone() throws Exception {
        final Ran ran = Running.start(
                        Files.createTempDirectory(temp, "gone"),
                        Map.of(),
                        "bash",
                        "-c",
                        "rmdir \"$PWD\" && exec \"$0\" help",
                        launcher)
                .end();

        assertThat(ran.exit()).as("%s", ran).isEqualTo(1);
        assertThat(ran.err())
                .contains("replicate: the current directory does not exist any more")
                .doesNotContain("java");
    }

    @Test
    void becomesJavaInItsOwnProcess() throws Exception {
        final Running running = Running.start(
                temp,
                Map.of("REPLICATE_JAVA_OPTS", "-XX:+UnlockDiagnosticVMOptions -XX:+PauseAtStartup"),
                launcher,
                "help");
        final Path paused = temp.resolve("vm.paused." + running.process().pid());
        try {
            await().atMost(Duration.ofMinutes(1)).until(() -> Files.exists(paused));
        } finally {
            Files.deleteIfExists(paused);
        }

        assertThat(running.end().exit()).isZero();
    }

    @Test
    void aClosedStandardStreamIsNotTheNextFileThatJavaOpens() throws Exception {
        final Ran in = Running.start(temp, Map.of(), "bash", "-c", "\"$0\" copy - closed.img <&-", launcher)
                .end();

        assertThat(in.exit()).isEqualTo(1);
        assertThat(in.err()).contains("read stdin: EBADF");
        assertThat(temp.resolve("closed.img")).doesNotExist();

        final Path one = Files.writeString(temp.resolve("one"), "1");
        final Ran out = Running.start(temp, Map.of(), "bash", "-c", "\"$0\" copy \"$1\" - >&-", launcher, one)
                .end();

        assertThat(out.exit()).isEqualTo(1);
        assertThat(out.err()).contains("write stdout: EBADF");
    }

    @Test
    void verboseShowsOurLogAndNotThatOfTheLibraries() throws Exception {
        final Path socket = temp.resolve("verbose.sock");
        final Path disk = Files.writeString(temp.resolve("verbose.img"), "a disk");
        final Running server =
                Running.start(temp, Map.of(), launcher, "nbd", "serve", disk, "--unix", socket, "--verbose");
        try {
            await().atMost(Duration.ofMinutes(1)).until(() -> Files.exists(socket));
            assertThat(replicate("nbd", "info", "nbd+unix:///?socket=" + socket).exit())
                    .isZero();
        } finally {
            server.process().destroy();
        }

        assertThat(server.end().err()).contains("DEBUG Connection - ").doesNotContain("DEBUG PlatformDependent");
        assertThat(replicate("nbd", "info", "nbd+unix:///?socket=" + socket).err())
                .doesNotContain("DEBUG");
    }

    @Test
    void rebuildsWhenASourceIsNewerAndSaysWhyABuildFails() throws Exception {
        final Path pom = launcher.resolveSibling("pom.xml");
        final String good = Files.readString(pom);
        Files.writeString(pom, good.replace("</project>", ""));

        final Ran broken = replicate("help");

        assertThat(broken.exit()).isEqualTo(1);
        assertThat(broken.out()).isEmpty();
        assertThat(broken.err()).contains("building (sources are newer)").contains("the build failed: see ");

        Files.writeString(pom, good);
        Files.setLastModifiedTime(pom, FileTime.from(Instant.now()));

        assertThat(replicate("help").exit()).isZero();
        assertThat(replicate("help").err()).isEmpty();
    }

    @Test
    void refusesAJavaHomeWithoutJavaInOneLine() throws Exception {
        final Ran ran = Running.start(temp, Map.of("JAVA_HOME", "/no/such/jdk"), launcher, "help")
                .end();

        assertThat(ran.exit()).isEqualTo(1);
        assertThat(ran.err().lines()).hasSize(1).first().asString().contains("/no/such/jdk");
    }
}
