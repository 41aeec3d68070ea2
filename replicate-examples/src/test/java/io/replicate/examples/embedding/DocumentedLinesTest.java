package io.replicate.examples.embedding;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.job.Result;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.Volume;
import io.replicate.nbd.server.Export;
import io.replicate.nbd.server.NbdServer;
import java.net.InetSocketAddress;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The five lines that the documents promise compile as they are printed, and copy. */
class DocumentedLinesTest {
    private static final Path DOCS = Path.of("../docs");
    private static final int IMAGE_BYTES = 5 << 20;

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"embedding.md", "copy.md"})
    void theFiveLinesCompileAndCopy(final String document) throws Exception {
        final byte[] image = new byte[IMAGE_BYTES];
        new Random(1).nextBytes(image);
        final Path from = Files.write(directory.resolve("from.img"), image);
        try (Volume volume = Providers.volume(Locator.parse("mem:" + document + "?size=" + IMAGE_BYTES));
                NbdServer server = NbdServer.builder()
                        .export(Export.of("sdb", volume))
                        .tcp(new InetSocketAddress("localhost", 0))
                        .start()) {
            final String lines = five(document)
                    .replace("\"/dev/sdb", "\"" + from)
                    .replace("nbd://backup:10809/sdb", "nbd://localhost:" + server.port() + "/sdb")
                    .replace("/var/lib/replicate", directory.toString());

            final Result result = compile(lines).call();

            assertThat(result.bytes()).isEqualTo(IMAGE_BYTES);
            final ByteBuffer copy = ByteBuffer.allocate(IMAGE_BYTES);
            volume.read(0, copy);
            assertThat(copy.array()).isEqualTo(image);
        }
    }

    private static String five(final String document) throws Exception {
        final Matcher block = Pattern.compile("```java\\n(try \\(Job job = Replication.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(DOCS.resolve(document)));
        assertThat(block.find()).as("five lines in %s", document).isTrue();
        assertThat(block.group(1).lines()).hasSize(4);
        return block.group(1);
    }

    @SuppressWarnings("unchecked")
    private Callable<Result> compile(final String lines) throws Exception {
        final Path source = directory.resolve("Lines.java");
        Files.writeString(
                source,
                "import io.replicate.core.job.*;\n"
                        + "public class Lines implements java.util.concurrent.Callable<Result> {\n"
                        + "public Result call() throws Exception {\n"
                        + "ProgressListener bar = snapshot -> {};\n"
                        + lines.replace("}", "return r;}") + "}}\n");
        final int code = ToolProvider.getSystemJavaCompiler()
                .run(
                        null,
                        null,
                        null,
                        "-proc:none",
                        "-cp",
                        System.getProperty("java.class.path"),
                        "-d",
                        directory.toString(),
                        source.toString());
        assertThat(code).as("compiling:%n%s", lines).isZero();
        try (URLClassLoader loader = new URLClassLoader(
                new URL[] {directory.toUri().toURL()}, getClass().getClassLoader())) {
            return (Callable<Result>) loader.loadClass("Lines").getConstructor().newInstance();
        }
    }
}
