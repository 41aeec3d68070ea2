package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CopyCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path directory;

    private Path from;
    private Path to;

    @BeforeEach
    void makeAnImage() throws IOException {
        from = directory.resolve("from.img");
        to = directory.resolve("to.img");
        final byte[] image = new byte[3 << 20];
        new Random(1).nextBytes(image);
        java.util.Arrays.fill(image, 1 << 20, 2 << 20, (byte) 0);
        Files.write(from, image);
    }

    private int run(final Object... args) {
        final List<String> line = new ArrayList<>(List.of("copy"));
        for (final Object arg : args) {
            line.add(arg.toString());
        }
        return Main.run(new PrintWriter(out, true), new PrintWriter(err, true), line.toArray(String[]::new));
    }

    @Test
    void aFileIsCopiedAndTheResultIsOneLineOnStdout() {
        assertThat(run(from, to, "--verify")).isZero();

        assertThat(to).hasSameBinaryContentAs(from);
        assertThat(out.toString().lines())
                .singleElement()
                .asString()
                .contains("copied 3145728 bytes (3.0 MiB)", "1.0 MiB of zeros left out", "verified", "digest ");
    }

    @Test
    void theFileUriTheBarePathAndADirectParameterMeanTheSameFile() {
        assertThat(run("file:" + from + "?direct=true", to)).isZero();
        assertThat(run(to, "file:" + directory.resolve("again.img"), "--direct", "--workers", 1, "--memory", "1M"))
                .isZero();

        assertThat(directory.resolve("again.img")).hasSameBinaryContentAs(from);
    }

    @Test
    void jsonLinesEndWithTheResult() throws IOException {
        assertThat(run(from, to, "--json", "--checkpoint", "file:" + directory.resolve("ckpt")))
                .isZero();

        final List<JsonNode> events = new ArrayList<>();
        for (final String line : out.toString().lines().toList()) {
            events.add(new ObjectMapper().readTree(line));
        }
        assertThat(events).extracting(e -> e.get("event").asText()).contains("progress", "result");
        final JsonNode result = events.get(events.size() - 1);
        assertThat(result.get("bytes").asLong()).isEqualTo(3 << 20);
        assertThat(result.get("skippedZeroBytes").asLong()).isEqualTo(1 << 20);
        assertThat(result.get("digest").asText()).hasSize(64);
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void theSameImageHasTheSameDigestHoweverItIsCopied() throws IOException {
        run(from, to, "--json");
        run(from, to, "--json", "--no-sparse", "--workers", 1);

        final List<String> digests = new ArrayList<>();
        for (final String line : out.toString().lines().toList()) {
            final JsonNode event = new ObjectMapper().readTree(line);
            if (event.get("event").asText().equals("result")) {
                digests.add(event.get("digest").asText());
            }
        }
        assertThat(digests).hasSize(2);
        assertThat(digests.get(0)).isEqualTo(digests.get(1));
    }

    @Test
    void wrongRequestsAreOneLineWithExitCodeTwoAndLeaveNothingBehind() throws IOException {
        for (final List<Object> args : List.<List<Object>>of(
                List.of(directory.resolve("missing"), to),
                List.of(from, directory.resolve("no/such/dir")),
                List.of(from, directory),
                List.of(from, directory + "/none/"),
                List.of(from, from),
                List.of(from, directory + "/../" + directory.getFileName() + "/from.img"),
                List.of(from, to, "--checkpoint", to),
                List.of(from, to, "--checkpoint", directory + "/./from.img"),
                List.of(from, directory.resolve("no/such/dir"), "--checkpoint", directory.resolve("ckpt")),
                List.of(from, to, "--memory", "4K", "--checkpoint", directory.resolve("ckpt")),
                List.of(from, to, "--rate", "fast"),
                List.of(from, to, "--rate", "0"),
                List.of(from, to, "--workers", "0"),
                List.of(from, to, "--memory", "4K"),
                List.of(from, "nonsense:x"),
                List.of(from, "file:" + to + "?speed=high"),
                List.of(from, "-", "--json"),
                List.of(from))) {
            err.getBuffer().setLength(0);

            assertThat(run(args.toArray())).as("%s", args).isEqualTo(2);
            assertThat(err.toString().lines()).as("%s", args).hasSize(1);
        }
        assertThat(out.toString()).isEmpty();
        assertThat(directory).isDirectoryNotContaining(path -> !path.equals(from));
    }

    @Test
    void aForeignCheckpointIsRefused() throws IOException {
        final Path checkpoint = Files.writeString(directory.resolve("ckpt"), "not a checkpoint\n");

        assertThat(run(from, to, "--checkpoint", checkpoint)).isNotZero();

        assertThat(err.toString().lines()).hasSize(1);
        assertThat(checkpoint).hasContent("not a checkpoint\n");
        assertThat(to).doesNotExist();
    }
}
