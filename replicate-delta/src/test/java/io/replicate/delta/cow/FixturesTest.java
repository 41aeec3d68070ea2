package io.replicate.delta.cow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.DeltaExtract;
import io.replicate.delta.ExtractOptions;
import io.replicate.delta.change.Changes;
import io.replicate.delta.change.SnapChanges;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a real kernel wrote. */
class FixturesTest {

    static List<JsonNode> merges() {
        return Fixtures.cases("merge");
    }

    static List<JsonNode> rejects() {
        return Fixtures.cases("reject");
    }

    static List<JsonNode> headers() {
        return Fixtures.headers();
    }

    @ParameterizedTest
    @MethodSource("merges")
    void baseWithTheExceptionsAppliedIsTheViewOfTheKernel(final JsonNode c) throws IOException {
        final byte[] image = Fixtures.image(c.get("base").asText());
        final StoreReader store =
                StoreReader.open(new Bytes(Fixtures.image(c.get("cow").asText())), "store");
        try (ExceptionList exceptions = store.exceptions(false);
                Pairs pairs = exceptions.sorted()) {
            while (pairs.next()) {
                final long chunk = store.layout().chunkBytes();
                final int at = (int) (pairs.oldChunk() * chunk);
                final int length = (int) Math.min(chunk, image.length - at);
                store.readBytes(pairs.newChunk() * chunk, java.nio.ByteBuffer.wrap(image, at, length));
            }
            assertThat(exceptions.size()).isEqualTo(c.get("exceptions").asLong());
        }
        assertThat(store.layout().chunkBytes()).isEqualTo(c.get("chunk_bytes").asLong());
        assertThat(Fixtures.sha256(image)).isEqualTo(c.get("expect_sha256").asText());
    }

    @ParameterizedTest
    @MethodSource("merges")
    void theReportHasTheFiguresOfDds(final JsonNode c) {
        final SnapReport report = new SnapReport(
                new SnapLayout(c.get("chunk_bytes").asLong()),
                c.get("exceptions").asLong());
        final JsonNode expected = c.get("report");

        assertThat(report.counts().lines())
                .containsExactly(
                        "Report:",
                        "Exception chunks " + expected.get("exception_chunks").asText(),
                        "Exceptions " + expected.get("exceptions").asText(),
                        "Output size meta " + expected.get("meta_kb").asText() + " KB",
                        "Output size data " + expected.get("data_kb").asText() + " KB",
                        "Output size total " + expected.get("total_kb").asText() + " KB");
    }

    @Test
    void theReportIsThatOfTheAnnouncementWordForWord() {
        final SnapReport report = new SnapReport(new SnapLayout(4096), 2728);

        assertThat(String.join(" ", report.header().lines().toList()))
                .isEqualTo("Snapshot header: magic 0x70416e53 version 1 valid yes chunk_size 4 KB");
        assertThat(String.join(" ", report.counts().lines().toList()))
                .isEqualTo("Report: Exception chunks 11 Exceptions 2728 Output size meta 48 KB"
                        + " Output size data 10912 KB Output size total 10960 KB");
        assertThat(new SnapReport(new SnapLayout(512), 1).header()).endsWith("chunk_size 0.5 KB");
    }

    @ParameterizedTest
    @MethodSource("merges")
    void aStoreReadForwardsIsTheSame(final JsonNode c) throws IOException {
        final byte[] store = Fixtures.image(c.get("cow").asText());
        final byte[] base = Fixtures.image(c.get("base").asText());

        final byte[] read = Model.read(Bytes.channel(store, 1 << 20), false);

        assertThat(Fixtures.sha256(Model.merge(base, read)))
                .isEqualTo(c.get("expect_sha256").asText());
    }

    @ParameterizedTest
    @MethodSource("rejects")
    void aBadStoreIsRefused(final JsonNode c) {
        final byte[] store = Fixtures.image(c.get("cow").asText());
        assertThatThrownBy(() -> StoreReader.open(new Bytes(store), "store").exceptions(false))
                .isInstanceOf(ReplicationException.class);
        assertThatThrownBy(() -> Model.read(Bytes.channel(store, 1 << 20), false))
                .isInstanceOf(ReplicationException.class);
    }

    @ParameterizedTest
    @MethodSource("headers")
    void aBadHeaderIsRefused(final JsonNode header) {
        final byte[] store = Fixtures.image("S.d0t.stream.img");
        final byte[] bad = HexFormat.of().parseHex(header.get("hex").asText());
        System.arraycopy(bad, 0, store, 0, bad.length);
        assertThatThrownBy(() -> StoreReader.open(new Bytes(store), "store").exceptions(true))
                .isInstanceOf(ReplicationException.class);
        assertThatThrownBy(() -> Model.read(Bytes.channel(store, 7), true)).isInstanceOf(ReplicationException.class);
    }

    @Test
    void extractWritesTheStreamThatTheKernelAccepted() throws IOException {
        for (final String[] pair : new String[][] {
            {"E256.cow.img", "S.d256t.stream.img"},
            {"E257.cow.img", "S.d257.stream.img"},
            {"E0.cow.img", "S.d0t.stream.img"}
        }) {
            final byte[] store = Fixtures.image(pair[0]);
            final byte[] image = Model.merge(Fixtures.image("base8.img"), store);
            assertThat(Model.extract(store, image, null)).isEqualTo(Fixtures.image(pair[1]));
        }
    }

    @Test
    void aStreamWithAMarkerIsThatOfTheKernelButForTheSpareBytesOfTheHeaderAndTheTrailer() throws IOException {
        final byte[] approved = Fixtures.image("S.d256t.stream.img");
        final byte[] store = Fixtures.image("E256.cow.img");
        final byte[] image = Model.merge(Fixtures.image("base8.img"), store);
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        final StoreReader reader = StoreReader.open(new Bytes(store), "E256");
        try (Changes changes = new SnapChanges(reader, false).find(image.length)) {
            DeltaExtract.write(
                    changes,
                    new Bytes(image),
                    ExtractOptions.of(false, "", "", new Cancellation()),
                    Channels.newChannel(out));
        }
        final byte[] marked = out.toByteArray();

        assertThat(marked).startsWith(Arrays.copyOf(approved, SnapHeader.LENGTH));
        assertThat(Arrays.copyOfRange(marked, 4096, approved.length))
                .isEqualTo(Arrays.copyOfRange(approved, 4096, approved.length));
        assertThat(Fixtures.sha256(Model.merge(Fixtures.image("base8.img"), marked)))
                .isEqualTo(Fixtures.sha256(image));
    }

    @Test
    void streamsWithoutAClosingAreaAreReadWhenLenient() throws IOException {
        final byte[] d256 = Model.read(Bytes.channel(Fixtures.image("S.d256n.stream.img"), 4096), true);
        assertThat(d256).isEqualTo(Fixtures.image("S.d256t.stream.img"));
        final byte[] d0 = Model.read(Bytes.channel(Fixtures.image("S.d0n.stream.img"), 4096), true);
        assertThat(d0).isEqualTo(Fixtures.image("S.d0t.stream.img"));
        assertThat(StoreReader.open(new Bytes(Fixtures.image("S.d256n.stream.img")), "s")
                        .exceptions(true)
                        .size())
                .isEqualTo(256);
    }

    @Test
    void listsThatDoNotFitMemoryAreTheSame() throws IOException {
        final StoreReader store = StoreReader.open(new Bytes(Fixtures.image("B.cow.img")), "B");
        final java.util.List<Long> inMemory = new java.util.ArrayList<>();
        final java.util.List<Long> spilled = new java.util.ArrayList<>();
        try (ExceptionList big = store.exceptions(false);
                ExceptionList small = new ExceptionList(java.nio.file.Path.of("/tmp"), 100)) {
            store.scan(small, false);
            small.requireUnique("small");
            for (final boolean sorted : new boolean[] {false, true}) {
                inMemory.clear();
                spilled.clear();
                collect(sorted ? big.sorted() : big.inOrder(), inMemory);
                collect(sorted ? small.sorted() : small.inOrder(), spilled);
                assertThat(spilled).isEqualTo(inMemory).hasSize(2 * 2728);
            }
            spilled.clear();
            collect(small.inOrder(2700), spilled);
            assertThat(spilled).hasSize(2 * 28);
        }
    }

    private static void collect(final Pairs pairs, final java.util.List<Long> into) throws IOException {
        while (pairs.next()) {
            into.add(pairs.oldChunk());
            into.add(pairs.newChunk());
        }
    }
}
