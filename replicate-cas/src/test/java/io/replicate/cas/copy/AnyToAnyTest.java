package io.replicate.cas.copy;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.cas.dir.DirStore;
import io.replicate.cas.keep.KeepConfig;
import io.replicate.cas.keep.KeepStore;
import io.replicate.cas.keep.ServiceList;
import io.replicate.cas.s3.S3Server;
import io.replicate.cas.s3.S3Store;
import io.replicate.cas.store.CasStore;
import io.replicate.cas.testing.Blocks;
import io.replicate.cas.testing.Era;
import io.replicate.cas.testing.FakeCluster;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.Selection;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The library, without the command: every kind of store copied into every other one, verified, damaged and mended. */
class AnyToAnyTest {
    @TempDir
    private Path directory;

    private final List<AutoCloseable> open = new ArrayList<>();
    private S3Server s3;
    private int made;

    @BeforeEach
    void start() throws Exception {
        s3 = new S3Server(Files.createDirectory(directory.resolve("s3")));
        open.add(s3);
    }

    @AfterEach
    void stop() throws Exception {
        for (int i = open.size() - 1; i >= 0; i--) {
            open.get(i).close();
        }
    }

    private <T extends AutoCloseable> T closedLater(final T resource) {
        open.add(resource);
        return resource;
    }

    private List<CasStore> emptyStores() throws IOException {
        final List<CasStore> stores = new ArrayList<>();
        for (final Era era : Era.values()) {
            final FakeCluster cluster =
                    closedLater(new FakeCluster(era, "zzzzz", 3, directory.resolve("keep" + made++), "0123456789"));
            stores.add(closedLater(new KeepStore(
                    new KeepConfig("keep" + era)
                            .services(ServiceList.parseJson(cluster.servicesJson()))
                            .systemToken(cluster.token())
                            .signingKey(cluster.signingKey())
                            .signatureTtl(Duration.ofDays(14))
                            .replication(2),
                    new Cancellation())));
        }
        stores.add(closedLater(
                new DirStore(Files.createDirectory(directory.resolve("dir" + made++)), Digest.Algorithm.MD5)));
        stores.add(closedLater(s3.store("bucket" + made++)));
        return stores;
    }

    private static CopySummary copy(final CasStore from, final CasStore to) throws IOException {
        return new CasCopy(
                        from, to, new CopyOptions().workers(4), CopyListener.NONE, progress -> {}, new Cancellation())
                .run();
    }

    private static Set<String> hashes(final CasStore store) throws IOException {
        final Set<String> all = new TreeSet<>();
        try (Plan<Digest> plan = store.plan(Selection.ALL)) {
            for (Digest digest = plan.next(); digest != null; digest = plan.next()) {
                all.add(digest.toString());
            }
        }
        return all;
    }

    /** Makes a directory with blocks of many sizes, the empty one among them. */
    private CasStore filled() throws IOException {
        final Path filled = Files.createDirectory(directory.resolve("filled"));
        final Random random = new Random(11);
        final Blocks blocks = new Blocks(filled);
        for (int i = 0; i < 12; i++) {
            final byte[] data = new byte[i * i * 37];
            random.nextBytes(data);
            blocks.put(data);
        }
        return closedLater(new DirStore(filled, Digest.Algorithm.MD5));
    }

    @Test
    void goesRoundThroughEveryKindAndComesBackTheSame() throws IOException {
        final CasStore first = filled();
        final Set<String> expected = hashes(first);
        final List<CasStore> stores = emptyStores();
        for (final CasStore target : stores) {
            for (final CasStore from : emptyStores()) {
                assertThat(copy(first, from).copied()).as(from.name()).isEqualTo(12);
                copy(from, target);
                assertThat(hashes(target))
                        .as(from.name() + " to " + target.name())
                        .isEqualTo(expected);
                assertThat(copy(from, target).copied()).isZero();
            }
        }
    }

    @Test
    void everyKindIsVerifiedAndMended() throws IOException {
        final CasStore good = filled();
        for (final CasStore store : emptyStores()) {
            copy(good, store);
            final Digest victim = Digest.of(
                    Digest.Algorithm.MD5, anyOf(good).hash(), anyOf(good).lengthBytes());
            damage(store, victim);
            final List<String> found = new ArrayList<>();

            final Upkeep.Outcome first = verify(store, good, false, found);
            final Upkeep.Outcome mending = verify(store, good, true, new ArrayList<>());
            final Upkeep.Outcome after = verify(store, good, false, found);

            assertThat(first.bad()).as(store.name()).isPositive();
            assertThat(found).as(store.name()).hasSize((int) first.bad()).allMatch(victim.hex()::equals);
            assertThat(mending.repaired()).isEqualTo(first.bad());
            assertThat(after.bad()).as(store.name()).isZero();
            assertThat(after.looked()).isEqualTo(first.looked());
        }
    }

    private static Digest anyOf(final CasStore store) throws IOException {
        try (Plan<Digest> plan = store.plan(Selection.ALL)) {
            Digest digest = plan.next();
            while (digest != null && digest.lengthBytes() < 100) {
                digest = plan.next();
            }
            return digest;
        }
    }

    /** Writes bytes of the right length under a name that is not theirs, wherever the store keeps it. */
    private void damage(final CasStore store, final Digest digest) throws IOException {
        if (store instanceof S3Store) {
            s3.put(store, digest, new byte[(int) digest.lengthBytes()]);
            return;
        }
        try (java.util.stream.Stream<Path> files = Files.walk(directory)) {
            for (final Path file : files.filter(path -> path.endsWith(digest.hex()))
                    .filter(path -> !path.startsWith(directory.resolve("filled")))
                    .toList()) {
                Files.write(file, new byte[(int) digest.lengthBytes()]);
            }
        }
    }

    private static Upkeep.Outcome verify(
            final CasStore store, final CasStore good, final boolean repair, final List<String> found)
            throws IOException {
        final Cancellation stop = new Cancellation();
        return new Upkeep(store, good, new CopyOptions().workers(2), stop)
                .verify(
                        Upkeep.holders(store, "", stop),
                        Upkeep.Depth.READ,
                        1.0,
                        repair,
                        (digest, place, what, healed) -> {
                            synchronized (found) {
                                found.add(digest.hex());
                            }
                        });
    }

    @Test
    void aDifferenceIsListedWithoutTouchingEither() throws IOException {
        final CasStore one = filled();
        final CasStore other = emptyStores().get(3);
        copy(one, other);
        final Digest gone = anyOf(one);
        Files.delete(
                directory.resolve("filled").resolve(gone.hex().substring(0, 3)).resolve(gone.hex()));
        final List<String> lines = new ArrayList<>();

        final boolean same = StoreDiff.compare(
                one,
                other,
                "",
                BlockFilter.ALL,
                new Cancellation(),
                left -> {},
                (sign, digest) -> lines.add(sign.character() + digest.hex()));

        assertThat(same).isFalse();
        assertThat(lines).hasSize(12).contains("-" + gone.hex());
        assertThat(lines.stream().filter(line -> line.startsWith("=")).count()).isEqualTo(11);
    }
}
