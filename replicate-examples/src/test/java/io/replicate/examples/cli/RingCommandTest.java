package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the ring's commands say before any node is there. */
@Timeout(240)
class RingCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path directory;

    private Path image = Path.of("");

    @BeforeEach
    void makeImage() throws Exception {
        image = Files.write(directory.resolve("image"), new byte[] {1, 2, 3});
    }

    private int run(final String... args) {
        return Main.run(new PrintWriter(out, true), new PrintWriter(err, true), args);
    }

    private JsonNode lastLine() throws Exception {
        final List<String> lines = out.toString().lines().toList();
        return new ObjectMapper().readTree(lines.get(lines.size() - 1));
    }

    @Test
    void forMachinesEveryEndHasALineOfItsOwn() throws Exception {
        final String missing = directory.resolve("missing").toString();
        assertThat(run("ring", "serve", "--json", "--insecure", missing, "/tmp/x", "127.0.0.1:1"))
                .isEqualTo(2);
        assertThat(lastLine().path("event").asText()).isEqualTo("error");
        assertThat(lastLine().path("message").asText()).contains(missing);

        assertThat(run("ring", "join", "--json", "--insecure", "--wait", "1", "--listen", "127.0.0.1:0"))
                .isEqualTo(1);
        assertThat(lastLine().path("message").asText()).isEqualTo("no server came within 1 s");

        assertThat(run(
                        "ring",
                        "serve",
                        "--json",
                        "--insecure",
                        "--max-wait",
                        "0",
                        image.toString(),
                        "/tmp/x",
                        "127.0.0.1:1"))
                .isEqualTo(1);
        assertThat(lastLine().path("event").asText()).isEqualTo("result");
        assertThat(lastLine().path("nodes").path(0).path("reason").asText()).contains("refused");
    }

    @Test
    void aPortThatIsNoneIsWrongUsage() {
        assertThat(run("ring", "serve", "--insecure", "--port", "70000", image.toString(), "/tmp/x", "127.0.0.1:1"))
                .isEqualTo(2);
        assertThat(err.toString()).contains("--port 70000 is not 1 to 65535");
    }
}
