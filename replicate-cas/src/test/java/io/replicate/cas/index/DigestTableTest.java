package io.replicate.cas.index;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.spi.Digest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class DigestTableTest {
    private static byte[] hash(final Random random, final Digest.Algorithm algorithm) {
        final byte[] hash = new byte[algorithm.hashBytes()];
        random.nextBytes(hash);
        // Few different first and last bytes: equal hashes, and equal beginnings, are what sorting goes wrong with.
        hash[0] = (byte) (random.nextInt(3) * 100);
        for (int i = 1; i < hash.length - 1; i++) {
            hash[i] = (byte) (hash[i] & 0x80);
        }
        return hash;
    }

    @Property
    void isASetInHashOrder(
            @ForAll final long seed, @ForAll @IntRange(max = 600) final int count, @ForAll final boolean sha) {
        final Digest.Algorithm algorithm = sha ? Digest.Algorithm.SHA_256 : Digest.Algorithm.MD5;
        final Random random = new Random(seed);
        final DigestTable table = new DigestTable(algorithm, 40);
        final Map<String, Set<Integer>> model = new TreeMap<>();
        for (int i = 0; i < count; i++) {
            final byte[] hash = hash(random, algorithm);
            final int place = random.nextInt(40);
            table.add(hash, 7, place);
            model.computeIfAbsent(java.util.HexFormat.of().formatHex(hash), h -> new TreeSet<>())
                    .add(place);
        }
        table.seal();

        final List<String> hashes = new ArrayList<>();
        final DigestTable.Cursor cursor = table.cursor();
        while (cursor.next()) {
            final String hex = cursor.digest().hex();
            hashes.add(hex);
            assertThat(cursor.places()).containsExactlyElementsOf(model.get(hex));
            assertThat(cursor.holders()).isEqualTo(model.get(hex).size());
            assertThat(table.find(cursor.digest().hash())).isEqualTo(cursor.places());
        }
        assertThat(hashes).containsExactlyElementsOf(model.keySet());
        assertThat(table.size()).isEqualTo(model.size());
        for (int i = 0; i < hashes.size(); i++) {
            assertThat(table.at(i).hex()).isEqualTo(hashes.get(i));
        }
    }

    @Property
    void theDifferenceIsThatOfSets(
            @ForAll final long seed,
            @ForAll @IntRange(max = 300) final int left,
            @ForAll @IntRange(max = 300) final int right) {
        final Random random = new Random(seed);
        final Set<String> a = new TreeSet<>();
        final Set<String> b = new TreeSet<>();
        final DigestTable source = fill(random, left, a);
        final DigestTable destination = fill(random, right, b);

        final Map<DigestDiff.Side, Set<String>> found = new TreeMap<>();
        final DigestDiff diff = new DigestDiff(source, destination);
        for (DigestDiff.Side side = diff.next(); side != null; side = diff.next()) {
            found.computeIfAbsent(side, s -> new TreeSet<>()).add(diff.digest().hex());
        }

        final Set<String> both = new TreeSet<>(a);
        both.retainAll(b);
        final Set<String> onlyA = new TreeSet<>(a);
        onlyA.removeAll(b);
        final Set<String> onlyB = new TreeSet<>(b);
        onlyB.removeAll(a);
        assertThat(found.getOrDefault(DigestDiff.Side.SOURCE_ONLY, Set.of())).isEqualTo(onlyA);
        assertThat(found.getOrDefault(DigestDiff.Side.DESTINATION_ONLY, Set.of()))
                .isEqualTo(onlyB);
        assertThat(found.getOrDefault(DigestDiff.Side.BOTH, Set.of())).isEqualTo(both);
    }

    private static DigestTable fill(final Random random, final int count, final Set<String> model) {
        final DigestTable table = new DigestTable(Digest.Algorithm.MD5, 0);
        for (int i = 0; i < count; i++) {
            final byte[] hash = hash(random, Digest.Algorithm.MD5);
            table.add(hash, 1, 0);
            model.add(java.util.HexFormat.of().formatHex(hash));
        }
        table.seal();
        return table;
    }

    @Test
    void ofSeveralSizesTheOneWithMostCopiesCountsAndAllAreReported() {
        final DigestTable table = new DigestTable(Digest.Algorithm.MD5, 0);
        final byte[] hash = new byte[16];
        table.add(hash, 500, 0);
        table.add(hash, 65536, 0);
        table.add(hash, 65536, 0);
        table.add(hash, 70000, 0);
        table.seal();

        assertThat(table.size()).isEqualTo(1);
        assertThat(table.totalBytes()).isEqualTo(65536);
        assertThat(table.conflicts()).singleElement().satisfies(conflict -> {
            assertThat(conflict.digest().lengthBytes()).isEqualTo(65536);
            assertThat(conflict.sizesBytes()).containsExactly(65536L, 70000L, 500L);
        });
    }

    @Test
    void aSizeThatNoBlockHasIsNeverTheLikeliest() {
        final DigestTable table = new DigestTable(Digest.Algorithm.MD5, 0);
        final byte[] hash = new byte[16];
        table.add(hash, Long.MAX_VALUE, 0);
        table.add(hash, Long.MAX_VALUE, 0);
        table.add(hash, 3, 0);
        table.seal();

        assertThat(table.at(0).lengthBytes()).isEqualTo(3);
    }
}
