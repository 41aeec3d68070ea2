package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command line of dds, on files. */
class DdsCommandTest {
    private static final int CHUNK = 4096;
    private static final int CHUNKS = 256;

    @TempDir
    Path dir;

    private final byte[] old = new byte[CHUNKS * CHUNK];
    private final byte[] next = new byte[CHUNKS * CHUNK];
    private Path base = Path.of("unset");
    private Path source = Path.of("unset");
    private Path cow = Path.of("unset");
    private String out = "";
    private String err = "";

    /** A store of 2 exceptions, as the kernel writes it, on a device with garbage behind. */
    @BeforeEach
    void files() throws IOException {
        new Random(1).nextBytes(old);
        System.arraycopy(old, 0, next, 0, old.length);
        next[7 * CHUNK]++;
        next[100 * CHUNK + 5]++;
        base = write("base.img", old);
        source = write("next.img", next);
        final byte[] store = new byte[8 * CHUNK];
        new Random(2).nextBytes(store);
        Arrays.fill(store, 0, 2 * CHUNK, (byte) 0);
        final ByteBuffer b = ByteBuffer.wrap(store).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(0x70416e53).putInt(1).putInt(1).putInt(8);
        b.position(CHUNK).putLong(100).putLong(2).putLong(7).putLong(3);
        System.arraycopy(old, 100 * CHUNK, store, 2 * CHUNK, CHUNK);
        System.arraycopy(old, 7 * CHUNK, store, 3 * CHUNK, CHUNK);
        cow = write("snap.cow", store);
    }

    private Path write(final String name, final byte[] content) throws IOException {
        return Files.write(dir.resolve(name), content);
    }

    private int dds(final Object... arguments) {
        final String[] args = new String[arguments.length + 1];
        args[0] = "dds";
        for (int i = 0; i < arguments.length; i++) {
            args[i + 1] = arguments[i].toString();
        }
        final StringWriter outText = new StringWriter();
        final StringWriter errText = new StringWriter();
        final int code = Main.run(new PrintWriter(outText, true), new PrintWriter(errText, true), args);
        out = outText.toString();
        err = errText.toString();
        return code;
    }

    private Path extract(final Object... more) {
        final Path stream = dir.resolve("delta.snap");
        final Object[] all = {"--extract", "--cow", cow, "--source", source, "--dest", stream};
        final Object[] whole = Arrays.copyOf(all, all.length + more.length);
        System.arraycopy(more, 0, whole, all.length, more.length);
        assertThat(dds(whole)).as(err).isZero();
        return stream;
    }

    private byte[] target() throws IOException {
        return Files.readAllBytes(base);
    }

    @Test
    void extractAndMergePrintTheReportOfDds() throws IOException {
        final Path stream = extract("-v");
        assertThat(err.lines())
                .containsExactly(
                        "Snapshot header:",
                        "magic 0x70416e53",
                        "version 1",
                        "valid yes",
                        "chunk_size 4 KB",
                        "Report:",
                        "Exception chunks 1",
                        "Exceptions 2",
                        "Output size meta 8 KB",
                        "Output size data 8 KB",
                        "Output size total 16 KB");
        assertThat(dds("--merge", "--cow", stream, "--dest", base, "-v")).isZero();
        assertThat(err).contains("Exceptions 2").contains("atomic");
        assertThat(target()).isEqualTo(next);
    }

    @Test
    void aFramedStreamAndAnRbdDiffAreMergedToo() throws IOException {
        for (final String[] kind : new String[][] {{"--framed"}, {"--format", "rbd"}, {"--bare"}}) {
            Files.write(base, old);
            assertThat(dds("--merge", "--cow", extract((Object[]) kind), "--dest", base))
                    .as(err)
                    .isZero();
            assertThat(target()).isEqualTo(next);
        }
    }

    @Test
    void aWrongBaseIsRefusedInOneLine() throws IOException {
        final Path stream = extract();
        final byte[] other = old.clone();
        other[200 * CHUNK]++;
        Files.write(base, other);
        assertThat(dds("--merge", "--cow", stream, "--dest", base)).isNotZero();
        assertThat(err.lines())
                .singleElement()
                .asString()
                .contains("not the base")
                .contains("offset 413696");
        assertThat(target()).isEqualTo(other);
    }

    @Test
    void generationsAreChecked() throws IOException {
        final Path first = extract("--base", "g0", "--generation", "g1");
        assertThat(dds("--merge", "--cow", first, "--dest", base)).isZero();
        Files.delete(first);
        final Path second = extract("--base", "g7", "--generation", "g8");
        assertThat(dds("--merge", "--cow", second, "--dest", base)).isNotZero();
        assertThat(err).contains("g7").contains("g1");
    }

    @Test
    void aCutMergeIsGoneOnWith() throws IOException {
        final byte[] stream = Files.readAllBytes(extract());
        final Path cut = write("cut.snap", Arrays.copyOf(stream, 3 * CHUNK + 10));
        assertThat(dds("--merge", "--cow", cut, "--dest", base)).isEqualTo(ExitCode.FAILED);
        assertThat(target()).isEqualTo(old);
        assertThat(dds("--merge", "--position", "--dest", base)).isZero();
        final Path rest = extract("--resume", out.strip());
        assertThat(Files.size(rest)).isLessThan(stream.length - 2 * CHUNK);
        assertThat(dds("--merge", "--cow", rest, "--dest", base)).as(err).isZero();
        assertThat(target()).isEqualTo(next);
    }

    @Test
    void listPrintsRangesInOrder() {
        assertThat(dds("--list", "--cow", cow)).isZero();
        assertThat(out.lines()).containsExactly("28672 4096", "409600 4096");
        assertThat(dds("--list", "--cow", extract(), "--json")).isZero();
        assertThat(out.strip()).isEqualTo("[{\"offset\":28672,\"length\":4096},{\"offset\":409600,\"length\":4096}]");
    }

    @Test
    void undoAndRollback() throws IOException {
        assertThat(dds("--merge", "--cow", extract(), "--dest", base, "--undo", "1"))
                .isZero();
        assertThat(target()).isEqualTo(next);
        assertThat(dds("--rollback", "--dest", base)).isZero();
        assertThat(target()).isEqualTo(old);
        assertThat(dds("--rollback", "--dest", base)).isNotZero();
    }

    @Test
    void damageIsFoundAndRepaired() throws IOException {
        Files.write(base, next);
        assertThat(dds("--verify", "--source", source, "--dest", base)).isZero();
        final byte[] damaged = next.clone();
        damaged[50 * CHUNK + 1] ^= 1;
        Files.write(base, damaged);
        assertThat(dds("--scrub", "--dest", base)).isEqualTo(ExitCode.FAILED);
        assertThat(out.strip()).isEqualTo("differs 204800 4096");
        assertThat(dds("--verify", "--source", source, "--dest", base)).isEqualTo(ExitCode.FAILED);
        assertThat(dds("--repair", "--source", source, "--dest", base)).isZero();
        assertThat(target()).isEqualTo(next);
        assertThat(dds("--scrub", "--dest", base)).isZero();
    }

    @Test
    void whatIsInvalidIsRefusedWithoutHarm() throws IOException {
        final byte[] store = Files.readAllBytes(cow);
        store[4] = 0;
        Files.write(cow, store);
        final Path never = dir.resolve("never.snap");
        assertThat(dds("--extract", "--cow", cow, "--source", source, "--dest", never))
                .isEqualTo(ExitCode.FAILED);
        assertThat(err).contains("invalidated");
        assertThat(never).doesNotExist();
        assertThat(dds("--merge", "--cow", cow, "--dest", base)).isEqualTo(ExitCode.FAILED);
        assertThat(target()).isEqualTo(old);
    }

    @Test
    void twoDeltasAreComposed() throws IOException {
        final Path first = extract();
        final Path kept = dir.resolve("first.snap");
        Files.move(first, kept);
        final byte[] third = next.clone();
        third[100 * CHUNK + 9]++;
        Files.write(source, third);
        final Path second = extract();
        final Path both = dir.resolve("both.snap");
        assertThat(dds("--compose", kept, second, "--dest", both)).as(err).isZero();
        assertThat(dds("--merge", "--cow", both, "--dest", base)).as(err).isZero();
        assertThat(target()).isEqualTo(third);
    }

    @Test
    void anotherImageCanBeCompared() throws IOException {
        final Path stream = dir.resolve("compare.snap");
        assertThat(dds("--extract", "--changes", "compare:" + base, "--source", source, "--dest", stream))
                .as(err)
                .isZero();
        assertThat(dds("--merge", "--cow", stream, "--dest", base)).isZero();
        assertThat(target()).isEqualTo(next);
    }

    @Test
    void anOptionThatTheModeWouldPassOverIsRefused() throws IOException {
        assertThat(dds("--merge", "--cow", extract(), "--dest", base, "--undo", "1"))
                .isZero();
        assertThat(dds("--rollback", "--dest", base, "--dry-run")).isEqualTo(ExitCode.USAGE);
        assertThat(err).contains("--dry-run means nothing to --rollback");
        assertThat(target()).isEqualTo(next);
        assertThat(dds("--extract", "--cow", cow, "--source", source, "--undo", "2"))
                .isEqualTo(ExitCode.USAGE);
        assertThat(dds("--merge", "--cow", cow, "--dest", base, "--bare")).isEqualTo(ExitCode.USAGE);
    }

    @Test
    void aPlaceThatFailsDoesNotCostTheOthersTheirStream() throws IOException {
        final Path absent = dir.resolve("no/such/dir.snap");
        final Path good = dir.resolve("good.snap");
        assertThat(dds("--extract", "--cow", cow, "--source", source, "--dest", absent, "--dest", good))
                .isEqualTo(ExitCode.PARTLY);
        assertThat(err.lines()).singleElement().asString().contains("dir.snap");
        assertThat(dds("--merge", "--cow", good, "--dest", base)).isZero();
        assertThat(target()).isEqualTo(next);
        assertThat(dds("--extract", "--cow", cow, "--source", source, "--dest", "/dev/full", "--dest", good))
                .isEqualTo(ExitCode.PARTLY);
        assertThat(err.lines()).singleElement().asString().contains("/dev/full");
        assertThat(dds("--extract", "--cow", cow, "--source", source, "--dest", absent))
                .isEqualTo(ExitCode.FAILED);
        assertThat(dds("--extract", "--cow", cow, "--source", source, "--dest", "/dev/full"))
                .isEqualTo(ExitCode.FAILED);
    }

    @Test
    void theHeaderOfAnInvalidatedStoreIsShown() throws IOException {
        final byte[] store = Files.readAllBytes(cow);
        store[4] = 0;
        Files.write(cow, store);
        assertThat(dds("--extract", "--cow", cow, "--source", source, "-v")).isEqualTo(ExitCode.FAILED);
        assertThat(err.lines().limit(5))
                .containsExactly("Snapshot header:", "magic 0x70416e53", "version 1", "valid no", "chunk_size 4 KB");
        assertThat(err.lines().skip(5)).singleElement().asString().contains("invalidated");
    }

    @Test
    void twoPipesAreNotOneFile() throws Exception {
        final List<String> pipes =
                List.of(dir.resolve("in").toString(), dir.resolve("out").toString());
        assertThat(new ProcessBuilder("mkfifo", pipes.get(0), pipes.get(1))
                        .start()
                        .waitFor())
                .isZero();

        DdsOptions.requireApart(pipes.subList(0, 1), pipes.subList(1, 2), "--dest");
    }

    @Test
    void whatIsReadIsNeverTheDestination() throws IOException {
        final Path link = Files.createSymbolicLink(dir.resolve("link"), source);
        final Path store = write("copy.cow", Files.readAllBytes(cow));
        final Object[][] all = {
            {"--extract", "--cow", cow, "--source", source, "--dest", source},
            {"--extract", "--cow", cow, "--source", source, "--dest", link},
            {"--extract", "--cow", cow, "--source", source, "--dest", cow},
            {"--extract", "--cow", cow, "--source", source, "--dest", dir.resolve("new"), "--dest", source},
            {"--extract", "--changes", "compare:" + base, "--source", source, "--dest", base},
            {"--merge", "--cow", store, "--dest", store},
            {"--full", "--source", source, "--dest", link},
            {"--repair", "--source", source, "--dest", source}
        };
        for (final Object[] arguments : all) {
            assertThat(dds(arguments)).as(Arrays.toString(arguments)).isEqualTo(ExitCode.USAGE);
            assertThat(err).contains("is what is read; name another --dest");
        }
        assertThat(Files.readAllBytes(source)).isEqualTo(next);
        assertThat(target()).isEqualTo(old);
        assertThat(Files.readAllBytes(store)).isEqualTo(Files.readAllBytes(cow));
    }

    @Test
    void aVolumeIsNotItsOwnCopy() throws IOException {
        final Path lv = Files.createDirectory(dir.resolve("vg")).resolve("lv");
        Files.write(lv, old);
        assertThat(dds(
                        "--sync",
                        "--source-lv",
                        "vg/lv",
                        "--dev",
                        dir,
                        "--state",
                        dir,
                        "--target",
                        base,
                        "--target",
                        lv))
                .isEqualTo(ExitCode.USAGE);
        assertThat(err).contains("is what is read; name another --target");
    }

    @Test
    void aRateOfNothingIsRefused() {
        assertThat(dds("--scrub", "--dest", base, "--rate", "0")).isEqualTo(ExitCode.USAGE);
        assertThat(err).contains("--rate 0: expected at least 1 byte a second");
    }

    @Test
    void aDamagedTreeIsMadeAnewByVerify() throws IOException {
        assertThat(dds("--scrub", "--record", "--dest", base)).as(err).isZero();
        Files.write(dir.resolve(".base.img.delta").resolve("tree"), new byte[100]);
        assertThat(dds("--scrub", "--dest", base)).isEqualTo(ExitCode.FAILED);
        assertThat(err).contains("--verify makes a new one");
        final Path same = write("same.img", old);
        assertThat(dds("--verify", "--source", same, "--dest", base)).as(err).isZero();
        assertThat(dds("--scrub", "--dest", base)).as(err).isZero();
    }

    @Test
    void aTargetThatWasCutIsNoInternalError() throws IOException {
        assertThat(dds("--scrub", "--record", "--dest", base)).as(err).isZero();
        Files.write(base, Arrays.copyOf(old, old.length - 5));
        assertThat(dds("--scrub", "--dest", base)).isEqualTo(ExitCode.FAILED);
        assertThat(err).contains("it was cut");
    }

    @Test
    void anRbdDiffIsListed() {
        assertThat(dds("--list", "--cow", extract("--format", "rbd"))).as(err).isZero();
        assertThat(out.lines()).containsExactly("28672 4096", "409600 4096");
    }

    @Test
    void anRbdDiffKeepsAnUndoAndAppliesOnce() throws IOException {
        final Path diff = extract("--format", "rbd", "--base", "s1", "--generation", "s2");
        assertThat(dds("--merge", "--cow", diff, "--dest", base, "--undo", "1"))
                .as(err)
                .isZero();
        assertThat(target()).isEqualTo(next);
        assertThat(dds("--merge", "--cow", diff, "--dest", base, "--undo", "1"))
                .as(err)
                .isZero();
        assertThat(err).contains("at generation s2 already");
        assertThat(dds("--rollback", "--dest", base)).as(err).isZero();
        assertThat(target()).isEqualTo(old);
    }

    @Test
    void anRbdDiffIsNotMergedIntoAMixture() throws IOException {
        final Path diff = Files.move(extract("--format", "rbd"), dir.resolve("delta.rbd"));
        final Path delta = extract();
        final byte[] foreign = new byte[old.length];
        Files.write(base, foreign);
        assertThat(dds("--merge", "--in-place", "--cow", delta, "--dest", base)).isNotZero();
        final byte[] mixture = target();
        assertThat(mixture).isNotEqualTo(foreign);

        assertThat(dds("--merge", "--cow", diff, "--dest", base)).isNotZero();

        assertThat(err).contains("in-place");
        assertThat(target()).isEqualTo(mixture);
    }

    @Test
    void changesNamedByThinDeltaAndByAnRbdDiffAreExtracted() throws IOException {
        final Path xml = dir.resolve("delta.xml");
        Files.writeString(
                xml,
                "<superblock uuid=\"\" time=\"1\" transaction=\"2\" data_block_size=\"128\" nr_data_blocks=\"99\">"
                        + "<diff left=\"1\" right=\"2\"><different begin=\"0\" length=\"1\"/>"
                        + "<same begin=\"1\" length=\"5\"/><right_only begin=\"6\" length=\"1\"/>"
                        + "<left_only begin=\"90\" length=\"7\"/></diff></superblock>");
        final Path rbd = dir.resolve("delta.rbd");
        Files.move(extract("--format", "rbd"), rbd);
        for (final String changes : new String[] {"thin:" + xml, "rbd:" + rbd}) {
            Files.write(base, old);
            final Path stream = dir.resolve("of-changes.snap");
            assertThat(dds("--extract", "--changes", changes, "--source", source, "--dest", stream))
                    .as(err)
                    .isZero();
            assertThat(dds("--merge", "--cow", stream, "--dest", base)).as(err).isZero();
            assertThat(target()).as(changes).isEqualTo(next);
        }
    }

    @Test
    void aCowVolumeWithChangesIsNotOverwritten() throws IOException {
        final Path stream = extract();
        final byte[] before = Files.readAllBytes(cow);
        assertThat(dds("--merge", "--cow", stream, "--dest", cow, "--cow-volume"))
                .isEqualTo(ExitCode.USAGE);
        assertThat(err).contains("holds changes already");
        assertThat(Files.readAllBytes(cow)).isEqualTo(before);
        assertThat(dds("--merge", "--cow", stream, "--dest", cow, "--cow-volume", "--force", "--dry-run", "-v"))
                .as(err)
                .isZero();
        assertThat(err).contains("Exceptions 2");
        assertThat(Files.readAllBytes(cow)).isEqualTo(before);
        assertThat(dds("--merge", "--cow", stream, "--dest", cow, "--cow-volume", "--force"))
                .as(err)
                .isZero();
        final byte[] header = Arrays.copyOf(Files.readAllBytes(cow), CHUNK);
        assertThat(Arrays.copyOfRange(header, 16, CHUNK)).as("no marker").containsOnly(0);
        assertThat(dds("--merge", "--cow", cow, "--dest", base)).as(err).isZero();
        assertThat(target()).isEqualTo(next);
    }

    @Test
    void aCutTransferGoesOnThoughTheSnapshotWasWrittenMeanwhile() throws IOException {
        final byte[] stream = Files.readAllBytes(extract());
        final Path cut = write("cut.snap", Arrays.copyOf(stream, 3 * CHUNK + 10));
        assertThat(dds("--merge", "--cow", cut, "--dest", base)).isEqualTo(ExitCode.FAILED);
        final byte[] store = Files.readAllBytes(cow);
        ByteBuffer.wrap(store)
                .order(ByteOrder.LITTLE_ENDIAN)
                .position(CHUNK + 32)
                .putLong(9)
                .putLong(4);
        Files.write(cow, store);
        assertThat(dds("--merge", "--position", "--dest", base)).isZero();
        final Path rest = extract("--resume", out.strip());
        assertThat(dds("--merge", "--cow", rest, "--dest", base)).as(err).isZero();
        assertThat(target()).isEqualTo(next);
    }

    @Test
    void aCowVolumeIsFilledForTheKernel() throws IOException {
        final Path volume = write("cowvol", new byte[16 * CHUNK]);
        assertThat(dds("--merge", "--cow", extract("--bare"), "--dest", volume, "--cow-volume"))
                .as(err)
                .isZero();
        final byte[] stream = Files.readAllBytes(dir.resolve("delta.snap"));
        assertThat(Files.readAllBytes(volume)).startsWith(stream);
    }

    @Test
    void usageErrorsSayWhatIsMissing() {
        assertThat(dds()).isEqualTo(ExitCode.USAGE);
        assertThat(dds("--extract", "--source", source)).isEqualTo(ExitCode.USAGE);
        assertThat(err).contains("--cow");
        assertThat(dds("--merge", "--cow", cow)).isEqualTo(ExitCode.USAGE);
        assertThat(err).contains("--dest");
        assertThat(dds("--extract", "--merge")).isEqualTo(ExitCode.USAGE);
    }
}
