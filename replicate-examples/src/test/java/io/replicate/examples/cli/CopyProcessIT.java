package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The copy command in a process of its own, which is killed, stopped and piped. */
@Timeout(240)
class CopyProcessIT {
    private static final int MIB = 1 << 20;
    private static final int IMAGE_BYTES = 96 * MIB + 4321;

    private final List<Process> processes = new ArrayList<>();
    private final ObjectMapper json = new ObjectMapper();

    @TempDir
    private Path directory;

    private Path from;
    private Path to;
    private Path out;
    private Path err;

    @BeforeEach
    void makeAnImageWithHoles() throws IOException {
        from = directory.resolve("from.img");
        to = directory.resolve("to.img");
        out = directory.resolve("out");
        err = directory.resolve("err");
        final Random random = new Random(1);
        final byte[] data = new byte[MIB];
        try (FileChannel file = FileChannel.open(from, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (int at = 0; at + MIB < IMAGE_BYTES; at += MIB) {
                if (at / MIB % 10 != 3) {
                    random.nextBytes(data);
                    file.write(ByteBuffer.wrap(data), at);
                }
            }
            file.write(ByteBuffer.wrap(new byte[] {1}), IMAGE_BYTES - 1);
        }
    }

    @AfterEach
    void endProcesses() {
        processes.forEach(Process::destroyForcibly);
    }

    private ProcessBuilder copy(final Object... args) {
        // A shell starts what runs in its background with SIGINT ignored, and that is inherited.
        final List<String> command = new ArrayList<>(List.of(
                "env",
                "--default-signal=INT",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "copy"));
        for (final Object arg : args) {
            command.add(arg.toString());
        }
        return new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
    }

    private Process start(final ProcessBuilder builder) throws IOException {
        final Process process = builder.start();
        processes.add(process);
        return process;
    }

    private ProcessBuilder resumable(final String rate) {
        return copy(
                from,
                to,
                "--json",
                "--checkpoint",
                "file:" + directory.resolve("ckpt"),
                "--checkpoint-every",
                "4M",
                "--rate",
                rate);
    }

    private JsonNode lastEvent(final String name) throws IOException {
        JsonNode last = json.createObjectNode();
        for (final String line : Files.readAllLines(out)) {
            if (line.endsWith("}") && line.contains("\"event\":\"" + name + "\"")) {
                last = json.readTree(line);
            }
        }
        return last;
    }

    @Test
    void aCopyThatIsKilledAtAnyMomentGoesOnAndEndsEqual() throws Exception {
        final long seed = System.nanoTime();
        System.out.println("kill -9 at random moments, seed " + seed);
        final Random random = new Random(seed);
        long durable = 0;
        for (int kill = 0; kill < 5; kill++) {
            final Process process = start(resumable("24M"));
            // Some moments are in the start-up, others in the middle of a block, a flush or a checkpoint.
            final boolean ended = process.waitFor(200 + random.nextInt(2500), TimeUnit.MILLISECONDS);
            process.destroyForcibly().waitFor();
            // it has its name from when it is whole, which is a little before the process has ended
            final boolean whole = Files.exists(to) && Files.mismatch(from, to) == -1;
            assertThat(Files.exists(to)).as("seed %d", seed).isEqualTo(whole);
            assertThat(whole || !ended).as("seed %d", seed).isTrue();
            if (whole) {
                durable = 0;
                break;
            }
            final JsonNode progress = lastEvent("progress");
            if (progress.has("durableBytes")) {
                final long now = progress.get("durableBytes").asLong();
                assertThat(now).as("seed %d: durable after kill %d", seed, kill).isGreaterThanOrEqualTo(durable);
                durable = now;
            }
        }

        final Process last = start(resumable("1G"));
        assertThat(last.waitFor(120, TimeUnit.SECONDS)).isTrue();

        assertThat(last.exitValue())
                .as("seed %d: %s", seed, Files.readString(err))
                .isZero();
        assertThat(Files.mismatch(from, to)).as("seed %d", seed).isEqualTo(-1);
        final JsonNode result = lastEvent("result");
        assertThat(result.get("resumedBytes").asLong()).as("seed %d", seed).isGreaterThanOrEqualTo(durable);
        assertThat(result.get("bytes").asLong()).isEqualTo(IMAGE_BYTES);
        assertThat(directory).isDirectoryNotContaining(path -> path.toString().endsWith(".part"));
    }

    @Test
    void aStopSignalKeepsTheCheckpointAndEndsWithTheSignalsCode() throws Exception {
        for (final String signal : List.of("TERM", "INT")) {
            final Process process = start(resumable("8M"));
            await().atMost(60, TimeUnit.SECONDS)
                    .until(() -> lastEvent("progress").path("carriedBytes").asLong() > 0);

            new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                    .start()
                    .waitFor();

            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).isEqualTo("TERM".equals(signal) ? 143 : 130);
            assertThat(Files.readString(err)).contains("the same command goes on from there");
            assertThat(lastEvent("error").get("category").asText()).isEqualTo("CANCELLED");
            assertThat(to).doesNotExist();
        }
        final long carried = lastEvent("progress").get("carriedBytes").asLong();

        assertThat(start(resumable("1G")).waitFor()).isZero();

        assertThat(Files.mismatch(from, to)).isEqualTo(-1);
        assertThat(lastEvent("result").get("resumedBytes").asLong()).isGreaterThanOrEqualTo(carried);
    }

    @Test
    void aStreamGoesInAndOut() throws Exception {
        final Process writer = start(copy("-", to).redirectInput(from.toFile()));
        assertThat(writer.waitFor()).as(Files.readString(err)).isZero();
        assertThat(Files.mismatch(from, to)).isEqualTo(-1);
        assertThat(Files.readString(out)).contains("copied " + IMAGE_BYTES + " bytes");

        final Process reader = start(copy(from, "-"));
        assertThat(reader.waitFor()).as(Files.readString(err)).isZero();
        assertThat(Files.mismatch(from, out)).isEqualTo(-1);
        assertThat(Files.readString(err)).contains("copied " + IMAGE_BYTES + " bytes");
    }

    @Test
    void nothingButTheCopyGoesToAStandardOutputThatIsNamedAsADevice() throws Exception {
        assertThat(start(copy(from, "/dev/stdout")).waitFor()).isZero();

        assertThat(Files.mismatch(from, out)).isEqualTo(-1);
        assertThat(Files.readString(err)).contains("copied " + IMAGE_BYTES + " bytes");
    }

    @Test
    void aResultThatNobodyGetsIsAFailure() throws Exception {
        assertThat(start(copy(from, to, "--json")
                                .redirectOutput(Path.of("/dev/full").toFile()))
                        .waitFor())
                .isEqualTo(1);

        assertThat(Files.readString(err)).contains("the standard output could not be written");
        assertThat(Files.mismatch(from, to)).isEqualTo(-1);
    }

    @Test
    void aReaderThatLeavesIsNoFaultToTalkAbout() throws Exception {
        final Process process = start(copy(from, to, "--json").redirectOutput(ProcessBuilder.Redirect.PIPE));
        process.getInputStream().close();

        assertThat(process.waitFor()).isEqualTo(141);
        assertThat(err).isEmptyFile();
        assertThat(Files.mismatch(from, to)).isEqualTo(-1);
    }

    @Test
    void aFullTargetIsOneLineWithoutDamage() throws Exception {
        assertThat(start(copy(from, "/dev/full")).waitFor()).isNotZero();

        assertThat(Files.readAllLines(err)).hasSize(1);
        assertThat(Files.readString(err)).contains("ENOSPC");
    }
}
