package io.replicate.delta;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.spi.Locator;
import io.replicate.delta.apply.Deltas;
import io.replicate.delta.apply.MergeOptions;
import io.replicate.delta.change.Changes;
import io.replicate.delta.change.CompareChanges;
import io.replicate.delta.cow.SnapLayout;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A bare stream is the same wherever it goes and however large its chunks are. */
class BareExtractTest {
    private static final ExtractOptions BARE = ExtractOptions.of(true, "", "", MergeOptions.DEFAULT.cancellation());

    @TempDir
    private Path dir;

    /** Neighbours and single chunks; the last chunk is longer than the image. */
    private final byte[] old = Deltas.image((512 << 10) + 300, 1);

    private final byte[] next = change(old);

    private static byte[] change(final byte[] image) {
        final byte[] changed = Deltas.change(image, 4096, 30, 2);
        Arrays.fill(changed, 64 << 10, 130 << 10, (byte) 5);
        changed[image.length - 1]++;
        return changed;
    }

    private void extract(final int chunk, final Fan.Outlet... outlets) throws IOException {
        final Path a = Files.write(dir.resolve("old.img"), old);
        final Path b = Files.write(dir.resolve("next.img"), next);
        try (Images.Opened from = Images.source(Locator.file(a.toString()));
                Images.Opened to = Images.source(Locator.file(b.toString()));
                Changes changes = new CompareChanges(from, to, new SnapLayout(chunk)).find(next.length)) {
            DeltaExtract.write(changes, to, BARE, new Fan(List.of(outlets)));
        }
    }

    private byte[] read(final int chunk) throws IOException {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        extract(chunk, new Fan.Outlet("memory", Channels.newChannel(out)));
        return out.toByteArray();
    }

    private static FileChannel create(final Path path, final StandardOpenOption how) throws IOException {
        return FileChannel.open(path, StandardOpenOption.CREATE, how);
    }

    @ParameterizedTest
    @ValueSource(ints = {512, 4096, 64 << 10, 1 << 20})
    void aFileGetsWhatAChannelGets(final int chunk) throws IOException {
        final Path copied = dir.resolve("copied");
        try (FileChannel file = create(copied, StandardOpenOption.WRITE)) {
            extract(chunk, new Fan.Outlet("file", file));
        }
        assertThat(copied).hasBinaryContent(read(chunk));
    }

    @Test
    void aFileThatIsAppendedToGetsItToo() throws IOException {
        final Path copied = Files.write(dir.resolve("copied"), new byte[] {1});
        try (FileChannel file = create(copied, StandardOpenOption.APPEND)) {
            extract(4096, new Fan.Outlet("file", file));
        }
        final byte[] all = Files.readAllBytes(copied);
        assertThat(Arrays.copyOfRange(all, 1, all.length)).isEqualTo(read(4096));
    }

    @Test
    void manyReadOnlyWhereTheyMayHaveToWait() throws IOException {
        final Path b = Files.write(dir.resolve("next.img"), next);
        try (Images.Opened source = Images.source(Locator.file(b.toString()))) {
            assertThat(source.readers(new long[] {0, 4096, next.length - 1})).isIn(4, 16); // tmpfs cannot tell
            assertThat(source.readers(new long[0])).as("nothing is known").isEqualTo(16);
        }
    }
}
