package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.cas.keep.KeepConfig;
import io.replicate.cas.keep.KeepService;
import io.replicate.cas.keep.KeepSettings;
import io.replicate.cas.keep.KeepStore;
import io.replicate.cas.keep.ServiceList;
import io.replicate.cas.testing.Blocks;
import io.replicate.cas.testing.Era;
import io.replicate.cas.testing.FakeApiServer;
import io.replicate.core.block.Block;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.ReplicationException;
import io.replicate.examples.cli.KeepRsyncHarness.Run;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The cases of the tool that keep-rsync stands in for, by their names there: two stores as the source, one as destination. */
class KeepRsyncUpstreamTest {
    @TempDir
    private Path directory;

    private KeepRsyncHarness both;

    @BeforeEach
    void start() {
        both = new KeepRsyncHarness(Era.H, directory, 2, 1);
        both.dst.api().replication(1);
    }

    @AfterEach
    void stop() {
        both.close();
    }

    private KeepStore open(final boolean source) throws IOException {
        final Path settings = source ? both.srcSettings() : both.dstSettings();
        return new KeepStore(
                new KeepConfig(source ? "src" : "dst").settings(KeepSettings.read(settings.toString(), Map.of())),
                new Cancellation());
    }

    private static byte[] data(final String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static Digest digest(final byte[] data) {
        return Digest.parse(Digest.Algorithm.MD5, Blocks.md5(data), data.length);
    }

    private static void put(final KeepStore store, final byte[] data) throws IOException {
        final Block block = Block.unpooled(data.length);
        try {
            block.space().put(data);
            block.length(data.length);
            store.store(digest(data), block, 1, Set.of());
        } finally {
            block.release();
        }
    }

    /** Returns what a read comes to: the text, or the message of its failure. */
    private static String get(final KeepStore store, final byte[] data) throws IOException {
        final Block block = Block.unpooled(1000);
        try {
            store.read(digest(data), block);
            final byte[] bytes = new byte[block.length()];
            block.bytes().get(bytes);
            return new String(bytes, StandardCharsets.UTF_8);
        } catch (final ReplicationException e) {
            return String.valueOf(e.getMessage());
        } finally {
            block.release();
        }
    }

    private void putInOneGetFromOtherShouldFail() throws IOException {
        try (KeepStore src = open(true);
                KeepStore dst = open(false)) {
            put(src, data("test-data-1"));
            put(dst, data("test-data-2"));

            assertThat(get(src, data("test-data-1"))).isEqualTo("test-data-1");
            assertThat(get(dst, data("test-data-2"))).isEqualTo("test-data-2");
            assertThat(get(dst, data("test-data-1"))).contains("Block not found");
            assertThat(get(src, data("test-data-2"))).contains("Block not found");
        }
    }

    @Test
    @DisplayName("TestRsyncPutInOne_GetFromOtherShouldFail")
    void rsyncPutInOneGetFromOtherShouldFail() throws IOException {
        both.close();
        both = new KeepRsyncHarness(Era.H, directory, 2, 1, "");
        both.dst.api().replication(1);
        putInOneGetFromOtherShouldFail();
    }

    @Test
    @DisplayName("TestRsyncWithBlobSigning_PutInOne_GetFromOtherShouldFail")
    void rsyncWithBlobSigningPutInOneGetFromOtherShouldFail() throws IOException {
        putInOneGetFromOtherShouldFail();
    }

    @Test
    @DisplayName("TestRsyncInitializeWithKeepServicesJSON")
    void rsyncInitializeWithKeepServicesJson() throws IOException {
        final String json = FakeApiServer.list(List.of(
                FakeApiServer.service("zzzzz-bi6l4-123456789012340", "keep0.zzzzz.example.com", 25107, "disk", false),
                FakeApiServer.service("zzzzz-bi6l4-123456789012341", "keep1.zzzzz.example.com", 25107, "disk", true)));
        try (KeepStore store =
                new KeepStore(new KeepConfig("src").services(ServiceList.parseJson(json)), new Cancellation())) {
            assertThat(store.places())
                    .containsExactly("http://keep0.zzzzz.example.com:25107", "http://keep1.zzzzz.example.com:25107");
            assertThat(store.client().services())
                    .extracting(KeepService::readOnly)
                    .containsExactly(false, true);
        }
    }

    @Test
    @DisplayName("TestInitializeRsyncDefaultReplicationsCount")
    void initializeRsyncDefaultReplicationsCount() throws IOException {
        both.dst.api().replication(2);
        try (KeepStore dst = open(false)) {
            assertThat(dst.defaultCopies()).isEqualTo(2);
        }
    }

    @Test
    @DisplayName("TestInitializeRsyncReplicationsCount")
    void initializeRsyncReplicationsCount() throws IOException {
        try (KeepStore dst = new KeepStore(
                new KeepConfig("dst")
                        .settings(KeepSettings.read(both.dstSettings().toString(), Map.of()))
                        .replication(3),
                new Cancellation())) {
            assertThat(dst.defaultCopies()).isEqualTo(3);
        }
    }

    /** Five blocks in the source; two of them and two others in the destination. */
    private List<String> fiveAndFour() {
        final List<String> five = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            five.add(both.src.put(data("test-data-" + i), 0, 1));
        }
        both.dst.put(data("test-data-0"), 0);
        both.dst.put(data("test-data-1"), 0);
        both.dst.put(data("other-data-0"), 0);
        both.dst.put(data("other-data-1"), 0);
        return five;
    }

    private Set<String> seven(final List<String> five) {
        final Set<String> seven = new TreeSet<>(five);
        seven.add(Blocks.md5(data("other-data-0")));
        seven.add(Blocks.md5(data("other-data-1")));
        return seven;
    }

    @Test
    @DisplayName("TestKeepRsync")
    void keepRsync() {
        both.close();
        both = new KeepRsyncHarness(Era.H, directory, 2, 1, "");
        both.dst.api().replication(1);
        final List<String> five = fiveAndFour();

        both.run().assertCode(0);

        assertThat(both.dst.hashes()).isEqualTo(seven(five));
    }

    @Test
    @DisplayName("TestKeepRsync_WithBlobSigning")
    void keepRsyncWithBlobSigning() {
        final List<String> five = fiveAndFour();

        both.run().assertCode(0);

        assertThat(both.dst.hashes()).isEqualTo(seven(five));
    }

    @Test
    @DisplayName("TestKeepRsync_WithPrefix")
    void keepRsyncWithPrefix() {
        final List<String> five = fiveAndFour();
        final Set<String> expected = new TreeSet<>(both.dst.hashes());
        final String prefix = five.get(4).substring(0, 3);
        five.stream().filter(hash -> hash.startsWith(prefix)).forEach(expected::add);

        both.run("-prefix", prefix).assertCode(0);

        assertThat(both.dst.hashes()).isEqualTo(expected);
    }

    @Test
    @DisplayName("TestKeepRsync_WithNoSuchPrefixInSrc")
    void keepRsyncWithNoSuchPrefixInSrc() {
        fiveAndFour();
        final Set<String> before = new TreeSet<>(both.dst.hashes());

        both.run("-prefix", "999").assertCode(0);

        assertThat(both.dst.hashes()).isEqualTo(before);
    }

    private static String nowhere() {
        return FakeApiServer.list(List.of(
                FakeApiServer.service("zzzzz-bi6l4-123456789012340", "keep0.zzzzz.invalid", 25107, "disk", false)));
    }

    @Test
    @DisplayName("TestErrorDuringRsync_FakeSrcKeepservers")
    void errorDuringRsyncFakeSrcKeepservers() {
        assertThat(both.run("-src-keep-services-json", nowhere()).assertCode(1).err())
                .contains("Error while syncing data")
                .contains("no such host");
    }

    @Test
    @DisplayName("TestErrorDuringRsync_FakeDstKeepservers")
    void errorDuringRsyncFakeDstKeepservers() {
        assertThat(both.run("-dst-keep-services-json", nowhere()).assertCode(1).err())
                .contains("Error while syncing data")
                .contains("no such host");
    }

    @Test
    @DisplayName("TestErrorDuringRsync_ErrorGettingBlockFromSrc")
    void errorDuringRsyncErrorGettingBlockFromSrc() {
        fiveAndFour();

        assertThat(both.run("-src-blob-signing-key", "thisisfakeblobsigningkey")
                        .assertCode(1)
                        .err())
                .contains("HTTP 400 invalid signature");
    }

    @Test
    @DisplayName("TestErrorDuringRsync_ErrorPuttingBlockInDst")
    void errorDuringRsyncErrorPuttingBlockInDst() {
        fiveAndFour();

        assertThat(both.run("-replications", "2").assertCode(1).err())
                .contains("Error copying data block: ")
                .contains("Could not write sufficient replicas");
    }

    @Test
    @DisplayName("TestLoadConfig")
    void loadConfig() throws IOException {
        final KeepConfig src = new KeepConfig("src")
                .settings(KeepSettings.read(both.srcSettings().toString(), Map.of()));

        assertThat(src.apiHost()).isEqualTo(both.src.api().host());
        assertThat(src.apiToken()).isEqualTo(both.src.token());
        assertThat(src.insecure()).isTrue();
        assertThat(src.signingKey()).isEqualTo(KeepRsyncHarness.SRC_KEY);
    }

    @Test
    @DisplayName("TestLoadConfig_MissingSrcConfig")
    void loadConfigMissingSrcConfig() {
        assertThat(both.runPlain("-src", "").assertCode(1).err()).contains("config file not specified");
    }

    @Test
    @DisplayName("TestLoadConfig_ErrorLoadingSrcConfig")
    void loadConfigErrorLoadingSrcConfig() {
        assertThat(both.runPlain("-src", "no-such-config").assertCode(1).err()).contains("no such file");
    }

    @Test
    @DisplayName("TestSetupKeepClient_NoBlobSignatureTTL")
    void setupKeepClientNoBlobSignatureTtl() {
        both.src.put(data("foo"), 0);

        // The stores only take signatures with their own ttl, which the flags do not give.
        both.run().assertCode(0);

        assertThat(both.src.api().log().entries())
                .anyMatch(entry -> entry.path().startsWith("/discovery/"));
    }

    @Test
    @DisplayName("Test_doMain_NoSrcConfig")
    void doMainNoSrcConfig() {
        assertThat(both.runPlain().assertCode(1).err())
                .contains("Error loading src configuration from file: config file not specified");
    }

    @Test
    @DisplayName("Test_doMain_SrcButNoDstConfig")
    void doMainSrcButNoDstConfig() {
        assertThat(both.runPlain("-src", both.srcSettings().toString())
                        .assertCode(1)
                        .err())
                .contains("Error loading dst configuration from file: config file not specified");
    }

    @Test
    @DisplayName("Test_doMain_BadSrcConfig")
    void doMainBadSrcConfig() {
        assertThat(both.runPlain("-src", "abcd").assertCode(1).err())
                .contains("Error loading src configuration from file: Error reading config file \"abcd\": open ")
                .contains("abcd.conf: no such file or directory");
    }

    @Test
    @DisplayName("Test_doMain_WithReplicationsButNoSrcConfig")
    void doMainWithReplicationsButNoSrcConfig() {
        assertThat(both.runPlain("-replications", "3").assertCode(1).err())
                .contains("Error loading src configuration from file: config file not specified");
    }

    @Test
    @DisplayName("Test_doMainWithSrcAndDstConfig")
    void doMainWithSrcAndDstConfig() throws IOException {
        both.src.put(data("foo"), 0, 1);
        final String same = both.srcSettings().toString();

        final Run run = both.runPlain("-src", same, "-dst", same).assertCode(0);

        assertThat(run.err()).contains("copied 0 blocks");
        assertThat(both.goodReads()).isZero();
        assertThat(Files.exists(both.srcSettings())).isTrue();
    }
}
