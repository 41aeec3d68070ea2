package io.replicate.ring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.Source;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Directory trees through a ring. */
@Timeout(240)
class TreeTest {
    @TempDir
    private Path directory;

    private Path tree = Path.of("");

    @BeforeEach
    void makeTree() throws IOException {
        assumeTrue(Files.isExecutable(Path.of("/bin/tar")), "missing tool: tar");
        tree = Files.createDirectories(directory.resolve("tree/with/levels"));
        Files.writeString(tree.resolve("file"), "content");
        Files.write(tree.resolve("large"), new byte[3_000_000]);
        Files.createSymbolicLink(tree.resolve("link"), Path.of("file"));
        Files.writeString(directory.resolve("tree/core.tmp"), "not wanted");
        tree = directory.resolve("tree");
    }

    @SuppressWarnings("unchecked") // tar: is a source of extents
    private Source<Extent> source(final String query) throws IOException {
        return (Source<Extent>) Providers.source(Locator.parse("tar:" + tree + query));
    }

    private List<String> filesOf(final Path root) throws IOException {
        try (var files = Files.walk(root)) {
            return files.map(file -> root.relativize(file).toString()).sorted().toList();
        }
    }

    @Test
    void aTreeIsClonedWithoutWhatIsExcluded() throws Exception {
        try (TestRing ring = new TestRing(directory);
                Source<Extent> source = source("?exclude=*.tmp")) {
            ring.join(2).serve(source, "tar:" + directory + "/copy%i", options -> {});
            assertThat(ring.reports()).allMatch(report -> report.state() == NodeState.DONE);
        }
        Files.delete(tree.resolve("core.tmp"));
        for (final String copy : List.of("copy1", "copy2")) {
            assertThat(filesOf(directory.resolve(copy))).isEqualTo(filesOf(tree));
            assertThat(directory.resolve(copy).resolve("with/levels/file")).hasContent("content");
            assertThat(directory.resolve(copy).resolve("with/levels/link")).isSymbolicLink();
        }
        assertThat(filesOf(directory)).noneMatch(name -> name.startsWith("."));
    }

    @Test
    void aTreeThatExistsIsOnlyUpdatedOnRequest() throws Exception {
        final Path copy = Files.createDirectories(directory.resolve("copy1"));
        Files.writeString(copy.resolve("old"), "stays");
        try (TestRing ring = new TestRing(directory);
                Source<Extent> source = source("")) {
            ring.join(1).serve(source, "tar:" + copy, options -> {});
            assertThat(ring.reports().get(0).reason()).contains("add ?update=true");
        }
        try (TestRing ring = new TestRing(directory);
                Source<Extent> source = source("")) {
            ring.join(1).serve(source, "tar:" + copy + "?update=true", options -> {});
            assertThat(ring.reports().get(0).state()).isEqualTo(NodeState.DONE);
            assertThat(ring.reports().get(0).atomic()).isFalse();
        }
        assertThat(copy.resolve("old")).hasContent("stays");
        assertThat(copy.resolve("core.tmp")).hasContent("not wanted");
    }

    @Test
    void whatIsNoTarLeavesNoTree() throws Exception {
        try (TestRing ring = new TestRing(directory)) {
            final byte[] garbage = new byte[100_000];
            java.util.Arrays.fill(garbage, (byte) 'x');
            ring.join(1).serve(new GatedSource(garbage, Long.MAX_VALUE, false), "tar:" + directory + "/copy", o -> {});
            assertThat(ring.reports().get(0).state()).isEqualTo(NodeState.FAILED);
            assertThat(ring.reports().get(0).reason()).contains("tar ended with 2");
        }
        assertThat(directory.resolve("copy")).doesNotExist();
        assertThat(directory.resolve(".copy.part")).doesNotExist();
    }

    @Test
    void aDirectoryThatIsMissingIsNoSource() {
        assertThatThrownBy(() -> Providers.source(Locator.parse("tar:/nowhere")))
                .hasMessage("/nowhere: is no directory");
    }
}
