package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.cas.testing.Blocks;
import io.replicate.cas.testing.Era;
import io.replicate.cas.testing.FakeCluster;
import io.replicate.cas.testing.FakeKeepstore;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;

/** Two clusters and the command, in one process. Whatever it prints is searched for secrets. */
final class KeepRsyncHarness implements AutoCloseable {
    static final String SRC_KEY = "signing0key0of0the0source0cluster0000000000000";
    static final String DST_KEY = "signing0key0of0the0destination000000000000000";

    final FakeCluster src;
    final FakeCluster dst;
    final Path directory;
    private final Path srcSettings;
    private final Path dstSettings;

    KeepRsyncHarness(final Era era, final Path directory, final int srcStores, final int dstStores) {
        this(era, directory, srcStores, dstStores, SRC_KEY);
    }

    KeepRsyncHarness(
            final Era era, final Path directory, final int srcStores, final int dstStores, final String srcKey) {
        this.directory = directory;
        this.src = new FakeCluster(era, "aaaaa", srcStores, directory.resolve("src"), srcKey);
        this.dst = new FakeCluster(era, "bbbbb", dstStores, directory.resolve("dst"), srcKey.isEmpty() ? "" : DST_KEY);
        this.srcSettings = src.settings(directory.resolve("src.conf"));
        this.dstSettings = dst.settings(directory.resolve("dst.conf"));
    }

    /** What a run came to. */
    record Run(int code, String out, String err) {
        Run assertCode(final int expected) {
            assertThat(code).as(err).isEqualTo(expected);
            return this;
        }

        /** Returns the printed lines that have a text. */
        List<String> lines(final String text) {
            return err.lines().filter(line -> line.contains(text)).toList();
        }
    }

    /** Runs keep-rsync from the source to the destination. */
    Run run(final String... more) {
        final List<String> args =
                new ArrayList<>(List.of("-src", srcSettings.toString(), "-dst", dstSettings.toString()));
        args.addAll(Arrays.asList(more));
        return runPlain(args.toArray(new String[0]));
    }

    /** Runs keep-rsync with these arguments only. */
    Run runPlain(final String... args) {
        final StringWriter out = new StringWriter();
        final StringWriter err = new StringWriter();
        final List<String> all = new ArrayList<>(List.of("keep-rsync"));
        all.addAll(Arrays.asList(args));
        final int code = Main.run(new PrintWriter(out, true), new PrintWriter(err, true), all.toArray(new String[0]));
        final Run run = new Run(code, out.toString(), err.toString());
        for (final String secret : List.of(
                SRC_KEY,
                DST_KEY,
                src.token(),
                dst.token(),
                src.token().substring(src.token().lastIndexOf('/') + 1))) {
            assertThat(run.out() + run.err()).doesNotContain(secret);
        }
        assertThat(run.out() + run.err()).doesNotContainPattern("\\+A[0-9a-f]{8}");
        return run;
    }

    /** Stores random blocks of these sizes in the source, each in two stores, and returns their hashes. */
    List<String> fill(final long seed, final int... sizes) {
        final Random random = new Random(seed);
        final List<String> hashes = new ArrayList<>();
        for (int i = 0; i < sizes.length; i++) {
            final byte[] data = new byte[sizes[i]];
            random.nextBytes(data);
            final int stores = src.stores().size();
            hashes.add(stores == 1 ? src.put(data, 0) : src.put(data, i % stores, (i + 1) % stores));
        }
        return hashes;
    }

    /** Stores {@code count} small random blocks in the source. */
    List<String> fill(final long seed, final int count) {
        final int[] sizes = new int[count];
        Arrays.setAll(sizes, i -> 100 + i);
        return fill(seed, sizes);
    }

    /** Returns how many block reads the source's stores answered with 200. */
    long goodReads() {
        return src.stores().stream()
                .flatMap(store -> store.log().blocks("GET").stream())
                .filter(entry -> entry.status() == 200)
                .count();
    }

    /** Returns how many block writes the destination's stores answered with 200. */
    long goodWrites() {
        return dst.stores().stream()
                .flatMap(store -> store.log().blocks("PUT").stream())
                .filter(entry -> entry.status() == 200)
                .count();
    }

    /** Asserts that the destination has each block, true to its name, on the first {@code copies} servers of its order. */
    void assertPlaced(final List<String> hashes, final int copies) {
        for (final String hash : hashes) {
            assertThat(dst.holders(hash))
                    .as(hash)
                    .containsExactlyElementsOf(new TreeSet<>(dst.placement(hash).subList(0, copies)));
            for (final int holder : dst.holders(hash)) {
                assertThat(Blocks.md5(dst.store(holder).blocks().read(hash))).isEqualTo(hash);
            }
        }
    }

    /** Asserts that the destination has that many good copies of each block, wherever. */
    void assertPlacedAnywhere(final List<String> hashes, final int copies) {
        for (final String hash : hashes) {
            assertThat(dst.holders(hash)).as(hash).hasSizeGreaterThanOrEqualTo(copies);
        }
    }

    void clearLogs() {
        src.stores().forEach(store -> store.log().clear());
        dst.stores().forEach(store -> store.log().clear());
    }

    FakeKeepstore firstChoice(final String hash) {
        return dst.store(dst.placement(hash).get(0));
    }

    Path srcSettings() {
        return srcSettings;
    }

    Path dstSettings() {
        return dstSettings;
    }

    @Override
    public void close() {
        src.close();
        dst.close();
    }
}
