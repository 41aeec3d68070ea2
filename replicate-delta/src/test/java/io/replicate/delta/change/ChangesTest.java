package io.replicate.delta.change;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.DeltaInput;
import io.replicate.delta.Targets;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.apply.Deltas;
import io.replicate.delta.apply.MergeOptions;
import io.replicate.delta.cow.Bytes;
import io.replicate.delta.cow.Pairs;
import io.replicate.delta.cow.SnapLayout;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Change lists written by hand from their specifications. */
class ChangesTest {
    private static final SnapLayout LAYOUT = new SnapLayout(4096);

    @TempDir
    Path dir;

    private int states;

    private static List<Long> chunks(final Changes changes) throws IOException {
        final List<Long> found = new ArrayList<>();
        try (changes;
                Pairs pairs = changes.chunks().inOrder()) {
            while (pairs.next()) {
                found.add(pairs.oldChunk());
            }
        }
        return found;
    }

    private static Changes thin(final String xml, final long imageBytes) throws IOException {
        return new ThinDeltaChanges(new ByteArrayInputStream(xml.getBytes(StandardCharsets.UTF_8)), LAYOUT)
                .find(imageBytes);
    }

    @Test
    void thinDeltaNamesWhatIsDifferentOrOnlyOnOneSide() throws IOException {
        final String xml = """
            <superblock uuid="" time="1" transaction="2" data_block_size="16" nr_data_blocks="100">
              <diff left="1" right="2">
                <same begin="0" length="1"/>
                <different begin="1" length="1"/>
                <left_only begin="5" length="1"/>
                <right_only begin="7" length="2"/>
              </diff>
            </superblock>
            """;
        assertThat(chunks(thin(xml, 1 << 20))).containsExactly(2L, 3L, 10L, 11L, 14L, 15L, 16L, 17L);
        assertThat(chunks(thin(xml, 15 * 4096 + 1))).as("a shrunk volume").endsWith(14L, 15L);
    }

    @Test
    void verboseThinDeltaNamesTheSame() throws IOException {
        final String xml = """
            <superblock uuid="" time="1" transaction="2" data_block_size="16" nr_data_blocks="100">
              <diff left="1" right="2">
                <same><range begin="0" data_begin="0" length="1"/></same>
                <different>
                  <range begin="1" left_data_begin="1" right_data_begin="9" length="1"/>
                  <range begin="3" left_data_begin="3" right_data_begin="11" length="1"/>
                </different>
                <same><range begin="4" data_begin="4" length="1"/></same>
                <left_only><range begin="5" data_begin="5" length="1"/></left_only>
              </diff>
            </superblock>
            """;
        assertThat(chunks(thin(xml, 1 << 20))).containsExactly(2L, 3L, 6L, 7L, 10L, 11L);
    }

    @Test
    void rbdRecordsWhoseLengthsContradictAreRefused() throws IOException {
        final byte[] good = new Rbd(true)
                .name('f', "s1")
                .size(100_000)
                .data(4096, new byte[10])
                .zeros(0, 4096)
                .end();
        assertThat(chunks(new RbdChanges(Deltas.in(good), "diff", LAYOUT).find(100_000)))
                .containsExactly(0L, 1L);
        for (final int at : new int[] {12 + 1, 12 + 9 + 6 + 1, 12 + 9 + 6 + 17 + 1, 12 + 9 + 6 + 17 + 9 + 26 + 1}) {
            final byte[] bad = good.clone();
            bad[at]++;
            assertThatThrownBy(() -> new RbdChanges(Deltas.in(bad), "diff", LAYOUT).find(100_000))
                    .as("length at %d", at)
                    .isInstanceOf(ReplicationException.class);
        }
    }

    @Test
    void badThinDeltaIsRefused() {
        for (final String xml : new String[] {
            "",
            "<a/>",
            "<superblock data_block_size=\"128\"><diff><different begin=\"1\" length=\"1\"/>",
            "<superblock><diff><different begin=\"1\" length=\"1\"/></diff></superblock>",
            "<superblock data_block_size=\"128\"><diff><different begin=\"x\" length=\"1\"/></diff></superblock>",
            "<superblock data_block_size=\"128\"><diff><different begin=\"9223372036854775807\""
                    + " length=\"1\"/></diff></superblock>",
            "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><superblock data_block_size=\"1\">&e;</superblock>"
        }) {
            assertThatThrownBy(() -> thin(xml, 1 << 20)).as(xml).isInstanceOf(ReplicationException.class);
        }
    }

    /** Writes records as the page "RBD Incremental Backup" describes them. */
    private static final class Rbd {
        private final ByteBuffer b = ByteBuffer.allocate(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
        private final boolean v2;

        Rbd(final boolean v2) {
            this.v2 = v2;
            b.put(("rbd diff v" + (v2 ? 2 : 1) + "\n").getBytes(StandardCharsets.US_ASCII));
        }

        private Rbd tag(final char tag, final long length) {
            b.put((byte) tag);
            if (v2) {
                b.putLong(length);
            }
            return this;
        }

        Rbd name(final char tag, final String name) {
            tag(tag, 4 + name.length()).b.putInt(name.length()).put(name.getBytes(StandardCharsets.US_ASCII));
            return this;
        }

        Rbd size(final long bytes) {
            tag('s', 8).b.putLong(bytes);
            return this;
        }

        Rbd data(final long offset, final byte[] data) {
            tag('w', 16 + data.length).b.putLong(offset).putLong(data.length).put(data);
            return this;
        }

        Rbd zeros(final long offset, final long length) {
            tag('z', 16).b.putLong(offset).putLong(length);
            return this;
        }

        byte[] end() {
            b.put((byte) 'e');
            return Arrays.copyOf(b.array(), b.position());
        }
    }

    private byte[] merge(final byte[] image, final byte[] diff) throws IOException {
        final Path file = dir.resolve("t.img");
        Files.write(file, image);
        final Path state = dir.resolve("state" + states++);
        try (DeltaTarget target = Targets.open(Locator.file(file.toString()), state, false)) {
            DeltaInput.of(Deltas.in(diff), "diff").merge(target, MergeOptions.DEFAULT, false);
        }
        return Files.readAllBytes(file);
    }

    @Test
    void rbdDiffsOfBothVersionsAreMergedByteForByte() throws IOException {
        for (final boolean v2 : new boolean[] {false, true}) {
            final byte[] image = Deltas.image(100_000, 1);
            final byte[] a = Deltas.image(5000, 2);
            final byte[] b = Deltas.image(100, 3);
            final byte[] diff = new Rbd(v2)
                    .name('f', "s1")
                    .name('t', "s2")
                    .size(100_000)
                    .data(4096, a)
                    .data(50_001, b)
                    .zeros(60_000, 9_000)
                    .data(50_200, b)
                    .end();
            final byte[] expected = image.clone();
            System.arraycopy(a, 0, expected, 4096, a.length);
            System.arraycopy(b, 0, expected, 50_001, b.length);
            System.arraycopy(b, 0, expected, 50_200, b.length);
            Arrays.fill(expected, 60_000, 69_000, (byte) 0);

            assertThat(merge(image, diff)).isEqualTo(expected);
            assertThat(chunks(new RbdChanges(Deltas.in(diff), "diff", LAYOUT).find(100_000)))
                    .containsExactly(1L, 2L, 12L, 14L, 15L, 16L);
        }
    }

    @Test
    void aCutRbdDiffChangesNothing() throws IOException {
        final byte[] image = Deltas.image(100_000, 1);
        final byte[] diff =
                new Rbd(true).size(100_000).data(4096, new byte[5000]).end();
        for (int length = 0; length < diff.length; length += 13) {
            final byte[] cut = Arrays.copyOf(diff, length);
            assertThatThrownBy(() -> merge(image, cut)).isInstanceOf(ReplicationException.class);
            assertThat(Files.readAllBytes(dir.resolve("t.img"))).isEqualTo(image);
        }
    }

    @Test
    void whatIsWrittenAsRbdDiffIsMergedAgain() throws IOException {
        final byte[] old = Deltas.image(300_000, 1);
        final byte[] now = Deltas.change(old, 4096, 30, 2);
        Arrays.fill(now, 100_000, 150_000, (byte) 0);
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (Changes changes = new CompareChanges(new Bytes(old), new Bytes(now), LAYOUT).find(now.length)) {
            new RbdWriter(Channels.newChannel(out)).write(changes, new Bytes(now), "s1", "s2");
        }
        assertThat(merge(old, out.toByteArray())).isEqualTo(now);
    }

    @Test
    void comparingFindsWhatWasAppended() throws IOException {
        final byte[] old = Deltas.image(10_000, 1);
        final byte[] now = Arrays.copyOf(old, 20_000);
        now[5000]++;
        assertThat(chunks(new CompareChanges(new Bytes(old), new Bytes(now), LAYOUT).find(now.length)))
                .containsExactly(1L, 2L, 3L, 4L);
    }
}
