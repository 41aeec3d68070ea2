package io.replicate.cas.copy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.Digest;
import io.replicate.core.spi.ReplicationException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where a list goes: over a file, but never over a log that somebody else has open, nor over a link. */
class PlanFileTest {
    private static final String LINE = "900150983cd24fb0d6963f7d28e17f72+3";

    @TempDir
    private Path directory;

    /** Says a line, writes a list, says another line, as a run does whose output goes to a log. */
    static final class Child {
        private Child() {}

        public static void main(final String[] args) throws IOException {
            System.err.println("before");
            write(Path.of(args[0]));
            System.err.println("behind");
        }
    }

    private static void write(final Path file) throws IOException {
        PlanFile.write(
                file,
                "list",
                out -> out.add(Digest.parse(Digest.Algorithm.MD5, LINE.substring(0, LINE.indexOf('+')), 3)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/dev/stderr", "/dev/fd/2", "/proc/self/fd/2", "link"})
    void aListOnStderrStandsBetweenItsOtherLines(final String name) throws Exception {
        final Path log = Files.writeString(directory.resolve("log"), "");
        final Path link = Files.createSymbolicLink(directory.resolve("link"), Path.of("/dev/stderr"));
        final Object inode = Files.getAttribute(log, "unix:ino");

        // Not in append mode: who opened the log again would be written over by the next line.
        final Process child = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Child.class.getName(),
                        "link".equals(name) ? link.toString() : name)
                .redirectError(log.toFile())
                .start();
        try {
            assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
        } finally {
            child.destroyForcibly();
        }

        assertThat(Files.readAllLines(log)).containsExactly("before", "# list", LINE, "behind");
        assertThat(Files.getAttribute(log, "unix:ino")).isEqualTo(inode);
    }

    @Test
    void aListIsAppendedToAFileThatIsOpen() throws IOException {
        final Path log = directory.resolve("log");
        try (FileOutputStream open = new FileOutputStream(log.toFile())) {
            open.write("before\n".getBytes(StandardCharsets.US_ASCII));

            write(descriptorOf(log));
        }

        assertThat(Files.readAllLines(log)).containsExactly("before", "# list", LINE);
    }

    private static Path descriptorOf(final Path file) throws IOException {
        try (var descriptors = Files.list(Path.of("/proc/self/fd"))) {
            for (final Path descriptor : (Iterable<Path>) descriptors::iterator) {
                if (Files.exists(descriptor) && Files.isSameFile(descriptor, file)) {
                    return Path.of("/dev/fd").resolve(descriptor.getFileName());
                }
            }
        }
        throw new AssertionError(file + " is not open");
    }

    @Test
    void aListIsMadeWhereALinkPointsThatLeadsToNothingYet() throws IOException {
        final Path lists = Files.createDirectory(directory.resolve("lists"));
        Files.createSymbolicLink(directory.resolve("second"), Path.of("lists", "list"));
        final Path link = Files.createSymbolicLink(directory.resolve("first"), Path.of("second"));

        write(link);
        write(link);

        assertThat(Files.readSymbolicLink(link)).isEqualTo(Path.of("second"));
        assertThat(directory.resolve("second")).isSymbolicLink();
        assertThat(Files.readAllLines(lists.resolve("list"))).isEqualTo(List.of("# list", LINE));
    }

    @Test
    void aLinkToItselfIsAMistake() throws IOException {
        final Path link = Files.createSymbolicLink(directory.resolve("link"), Path.of("link"));

        assertThatThrownBy(() -> write(link))
                .isInstanceOf(ReplicationException.class)
                .hasMessageContaining("too many levels of symbolic links");

        assertThat(link).isSymbolicLink();
    }
}
