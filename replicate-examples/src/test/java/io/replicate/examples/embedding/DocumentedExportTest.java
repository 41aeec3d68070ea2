package io.replicate.examples.embedding;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.spi.Locator;
import io.replicate.nbd.client.NbdAddress;
import io.replicate.nbd.client.NbdVolume;
import io.replicate.nbd.server.NbdServer;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The source of one's own that docs/nbd.md exports in 30 lines compiles as it is printed, and is served. */
class DocumentedExportTest {
    private static final Path DOCUMENT = Path.of("../docs/nbd.md");
    private static final String IMPORTS = "import io.replicate.core.file.Ranges;\n"
            + "import io.replicate.core.spi.*;\n"
            + "import io.replicate.core.block.*;\n"
            + "import io.replicate.nbd.server.*;\n"
            + "import java.io.IOException;\n"
            + "import java.net.InetSocketAddress;\n"
            + "import java.nio.ByteBuffer;\n"
            + "import java.util.*;\n";

    @TempDir
    private Path directory;

    @Test
    void theSourceOfThirtyLinesIsServed() throws Exception {
        final Matcher block = Pattern.compile(
                        "```java\n(final class Pattern.*?^\\}\n)\n(try \\(Volume.*?)```",
                        Pattern.DOTALL | Pattern.MULTILINE)
                .matcher(Files.readString(DOCUMENT));
        assertThat(block.find()).as("the example of %s", DOCUMENT).isTrue();
        assertThat(block.group(1).lines()).hasSizeLessThanOrEqualTo(30);

        compile(block.group(1), block.group(2).replace("10809", "0").replace("System.in.read()", "then.accept(server)"))
                .accept(DocumentedExportTest::readSome);
    }

    private static void readSome(final Object server) {
        final int port = ((NbdServer) server).port();
        try (NbdVolume client = NbdVolume.open(NbdAddress.of(Locator.parse("nbd://localhost:" + port + "/pattern")))) {
            assertThat(client.geometry().sizeBytes()).isEqualTo(1L << 30);
            final ByteBuffer bytes = ByteBuffer.allocate(10_000);
            client.read(4096 * 7 - 1, bytes);
            assertThat(bytes.get(0)).isEqualTo((byte) 6);
            assertThat(bytes.get(1)).isEqualTo((byte) 7);
            assertThat(bytes.get(4096)).isEqualTo((byte) 7);
            assertThat(bytes.get(4097)).isEqualTo((byte) 8);
        } catch (final java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @SuppressWarnings("unchecked")
    private Consumer<Consumer<Object>> compile(final String source, final String use) throws Exception {
        final Path file = Files.writeString(
                directory.resolve("Serve.java"),
                IMPORTS + source + "public class Serve implements java.util.function.Consumer<"
                        + "java.util.function.Consumer<Object>> {\n"
                        + "public void accept(java.util.function.Consumer<Object> then) {\ntry {\n" + use
                        + "} catch (IOException e) { throw new java.io.UncheckedIOException(e); }\n}}\n");
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
                        file.toString());
        assertThat(code).as("compiling:%n%s%s", source, use).isZero();
        final URLClassLoader loader = new URLClassLoader(
                new URL[] {directory.toUri().toURL()}, getClass().getClassLoader());
        return then -> {
            try (loader) {
                ((Consumer<Consumer<Object>>)
                                loader.loadClass("Serve").getConstructor().newInstance())
                        .accept(then);
            } catch (final ReflectiveOperationException | java.io.IOException e) {
                throw new IllegalStateException(e);
            }
        };
    }
}
