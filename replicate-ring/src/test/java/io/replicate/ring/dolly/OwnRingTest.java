package io.replicate.ring.dolly;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Rings in which all nodes are ours. */
class OwnRingTest {
    @TempDir
    Path directory;

    private DollyRing ring;

    @BeforeEach
    void open() throws Exception {
        ring = new DollyRing(directory);
    }

    @AfterEach
    void close() throws Exception {
        ring.close();
    }

    private List<CompletableFuture<DollyReport>> clients(final int count) throws Exception {
        final List<CompletableFuture<DollyReport>> clients = new ArrayList<>();
        for (int i = 1; i <= count; i++) {
            clients.add(ring.client(i));
        }
        return clients;
    }

    @ParameterizedTest
    @EnumSource
    void threeClientsGetTheSourceAndProveIt(final Dialect dialect) throws Exception {
        final byte[] content = DollyRing.content(5_000_001);
        final Path source = ring.file("in", content);
        final List<CompletableFuture<DollyReport>> clients = clients(3);

        final DollyReport report = DollyRing.get(ring.server(
                DollyConfig.of(source.toString(), "/out", "s", DollyRing.names(3)),
                ring.options().dialect(dialect)));

        assertThat(report.nodes()).extracting(DollyNode::state).containsOnly(DollyNode.State.PROVEN);
        assertThat(report.nodes()).extracting(DollyNode::name).containsExactly("n1", "n2", "n3");
        assertThat(report.nodes()).extracting(DollyNode::digest).containsOnly(report.digest());
        for (int i = 1; i <= 3; i++) {
            assertThat(DollyRing.get(clients.get(i - 1)).digest()).isEqualTo(report.digest());
            assertThat(Files.readAllBytes(ring.target(i))).isEqualTo(content);
        }
    }
}
