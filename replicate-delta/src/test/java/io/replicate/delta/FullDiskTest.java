package io.replicate.delta;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.posix.LoopMount;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.apply.Deltas;
import io.replicate.delta.apply.MergeOptions;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real file system that is full: what cannot be merged leaves the target as it was, and works once there is room. */
class FullDiskTest {
    private static final int IMAGE_BYTES = 8 << 20;
    private static final int BLOCK_BYTES = 4096;

    @TempDir
    private Path dir;

    private final byte[] old = Deltas.image(IMAGE_BYTES, 1);
    private final byte[] next = Deltas.change(old, 4096, 700, 2);
    private LoopMount mount;
    private Path target = Path.of("unset");
    private Path ballast = Path.of("unset");

    @BeforeEach
    void mount() throws IOException {
        mount = LoopMount.mount("ext4", 64L << 20);
        target = Files.write(dir.resolve("target.img"), old);
        ballast = mount.path().resolve("ballast");
    }

    @AfterEach
    void unmount() {
        if (mount != null) {
            mount.close();
        }
    }

    /** Leaves {@code bytes} of the state's file system free, or a little less. */
    private void leave(final long bytes) throws IOException {
        final byte[] block = Deltas.image(BLOCK_BYTES, 3);
        try (OutputStream out = Files.newOutputStream(ballast)) {
            while (Files.getFileStore(mount.path()).getUnallocatedSpace() > bytes) {
                out.write(block);
                out.flush();
            }
        }
    }

    private void merge(final ReadableByteChannel in, final MergeOptions options) throws IOException {
        try (DeltaTarget opened = Targets.open(Locator.file(target.toString()), mount.path(), false)) {
            opened.merge(in, "delta", options);
        }
    }

    private void refusedUntilThereIsRoom(final byte[] stream, final MergeOptions options) throws IOException {
        assertThatThrownBy(() -> merge(Deltas.in(stream), options))
                .isInstanceOf(ReplicationException.class)
                .hasMessageContaining("no room");
        assertThat(target).hasBinaryContent(old);
        assertThatThrownBy(() -> merge(Deltas.in(stream), options)).isInstanceOf(ReplicationException.class);
        assertThat(target).as("opened again, nothing is replayed").hasBinaryContent(old);
        Files.delete(ballast);

        merge(Deltas.in(stream), options);

        assertThat(target).hasBinaryContent(next);
    }

    @Test
    void theSpoolOfAMarkedStreamHasNoRoom() throws IOException {
        leave(2 << 20);
        refusedUntilThereIsRoom(Deltas.marked(old, next, 4096, "g0", "g1"), MergeOptions.DEFAULT);
    }

    @Test
    void theDiskFillsWhileABareStreamIsSpooled() throws IOException {
        leave(2 << 20);
        refusedUntilThereIsRoom(Deltas.bare(old, next, 4096), MergeOptions.DEFAULT);
    }

    @Test
    void theSpoolHasRoomAndTheUndoHasNot() throws IOException {
        final byte[] stream = Deltas.marked(old, next, 4096, "g0", "g1");
        leave(stream.length + (1 << 20));
        refusedUntilThereIsRoom(stream, MergeOptions.DEFAULT.undo(1));
        try (DeltaTarget opened = Targets.open(Locator.file(target.toString()), mount.path(), false)) {
            opened.rollback();
        }
        assertThat(target).hasBinaryContent(old);
    }
}
