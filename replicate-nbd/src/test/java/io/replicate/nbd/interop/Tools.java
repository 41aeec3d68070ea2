package io.replicate.nbd.interop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/** Programs of others, run to their end or until a test ends; a test whose program is not installed is skipped. */
final class Tools {
    private static final long PATIENCE_SECONDS = 60;

    private Tools() {}

    static void needs(String tool) {
        assumeTrue(
                List.of((System.getenv("PATH") + ":/usr/sbin:/sbin").split(":")).stream()
                        .anyMatch(p -> Files.isExecutable(Path.of(p, tool))),
                tool + " is not installed");
    }

    /** Runs a program, expects it to succeed, and returns what it printed. */
    static String run(Path dir, String... command) throws Exception {
        final Ended ended = end(dir, command);
        assertThat(ended.exit())
                .as("%s: %s", String.join(" ", command), ended.text())
                .isZero();
        return ended.text();
    }

    /** How a program ended. */
    record Ended(int exit, String text) {}

    /** Runs a program to its end. */
    static Ended end(Path dir, String... command) throws Exception {
        needs(command[0]);
        final Path out = Files.createTempFile(dir, "out", ".txt");
        final Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(out.toFile())
                .start();
        final boolean ended = process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
        process.destroyForcibly();
        final String text = Files.readString(out);
        assertThat(ended).as("%s ended: %s", String.join(" ", command), text).isTrue();
        return new Ended(process.exitValue(), text);
    }

    /** A program that runs as long as a test needs it. */
    static final class Peer implements AutoCloseable {
        private final Process process;
        private final Path log;

        Peer(Path dir, String... command) throws IOException {
            needs(command[0]);
            log = Files.createTempFile(dir, command[0], ".log");
            process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile())
                    .start();
        }

        /** Waits until a file exists. */
        Peer await(Path file) {
            Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> {
                assertThat(process.isAlive())
                        .as("alive: %s", Files.readString(log))
                        .isTrue();
                return Files.exists(file);
            });
            return this;
        }

        /** Asks it to end. */
        void ask() {
            process.destroy();
        }

        void awaitEnd() throws Exception {
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        }

        @Override
        public void close() throws Exception {
            process.destroyForcibly().waitFor();
        }
    }

    /** Makes a CA, and certificates of it for a server and a client on this host. */
    static Path certificates(Path dir) throws Exception {
        final Path c = Files.createDirectories(dir.resolve("pki"));
        final List<String> ca = new ArrayList<>(List.of("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes"));
        ca.addAll(List.of("-days", "2", "-subj", "/CN=test", "-keyout", c + "/ca-key.pem"));
        ca.addAll(List.of("-out", c + "/ca-cert.pem"));
        run(dir, ca.toArray(String[]::new));
        Files.writeString(c.resolve("ext"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
        for (final String side : List.of("server", "client")) {
            final List<String> request = new ArrayList<>(List.of("openssl", "req", "-newkey", "rsa:2048", "-nodes"));
            request.addAll(List.of("-subj", "/CN=localhost", "-keyout", c + "/" + side + "-key.pem"));
            request.addAll(List.of("-out", c + "/" + side + ".csr"));
            run(dir, request.toArray(String[]::new));
            final List<String> sign = new ArrayList<>(List.of("openssl", "x509", "-req", "-in"));
            sign.addAll(List.of(c + "/" + side + ".csr", "-CA", c + "/ca-cert.pem", "-CAkey", c + "/ca-key.pem"));
            sign.addAll(List.of("-CAcreateserial", "-days", "2", "-extfile", c + "/ext"));
            sign.addAll(List.of("-out", c + "/" + side + "-cert.pem"));
            run(dir, sign.toArray(String[]::new));
        }
        return c;
    }
}
