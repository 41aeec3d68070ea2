package io.replicate.delta.apply;

import io.replicate.delta.cow.RandomBytes;
import io.replicate.delta.cow.SnapHeader;
import io.replicate.delta.cow.SnapLayout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What was committed for a target and may not be applied yet, for readers beside the merge; an empty store when there
 * is nothing. Stays readable when the merge completes meanwhile: then the target has the same bytes. Safe for
 * concurrent use.
 */
public final class CommittedSpool implements RandomBytes, AutoCloseable {
    private static final int EMPTY_CHUNK = SnapHeader.SECTOR_BYTES;

    private final RandomBytes bytes;
    private final AutoCloseable owned;

    private CommittedSpool(final RandomBytes bytes, final AutoCloseable owned) {
        this.bytes = bytes;
        this.owned = owned;
    }

    /** Opens the committed spool in a directory of state; the directory need not exist, and is not locked. */
    public static CommittedSpool open(final Path directory) throws IOException {
        if (Files.isDirectory(directory)) {
            final StateDirectory state = NativeStateDirectory.readOnly(directory);
            if (new StateLog(state).load().phase() == TargetState.Phase.REDO && state.exists(Spool.WHOLE)) {
                final StateFile file = state.open(Spool.WHOLE);
                return new CommittedSpool(file, file);
            }
        }
        return new CommittedSpool(empty(), () -> {});
    }

    private static RandomBytes empty() {
        final ByteBuffer store = ByteBuffer.allocate(2 * EMPTY_CHUNK);
        new SnapHeader(new SnapLayout(EMPTY_CHUNK)).put(store);
        return new RandomBytes() {
            @Override
            public long size() {
                return store.capacity();
            }

            @Override
            public void read(final long offset, final ByteBuffer into) {
                into.put(store.slice((int) offset, into.remaining()));
            }
        };
    }

    @Override
    public long size() throws IOException {
        return bytes.size();
    }

    @Override
    public void read(final long offset, final ByteBuffer into) throws IOException {
        bytes.read(offset, into);
    }

    @Override
    public void close() throws IOException {
        try {
            owned.close();
        } catch (final IOException e) {
            throw e;
        } catch (final Exception e) {
            throw new IOException(e);
        }
    }
}
