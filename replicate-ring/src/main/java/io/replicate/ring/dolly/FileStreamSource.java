package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import io.replicate.core.block.BlockPool;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.NativeFile;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Files or devices, one behind the other. Their sizes are those of the opening: one that shrinks fails the run. The bytes
 * of files need not pass through memory: the kernel sends them.
 */
final class FileStreamSource implements StreamSource {
    private final List<NativeFile> files = new ArrayList<>();
    private final List<Long> sizes = new ArrayList<>();
    private final FilePieces pieces = new FilePieces();
    private final boolean inPlace;
    private int current;
    private long position;

    /** @param inPlace whether the pieces of files may stay there. */
    FileStreamSource(final List<Path> paths, final boolean inPlace) throws IOException {
        this.inPlace = inPlace;
        try {
            for (final Path path : paths) {
                final NativeFile file = NativeFile.open(path, NativeFile.Option.READ);
                files.add(file);
                file.advise(0, 0, Linux.POSIX_FADV_SEQUENTIAL);
                sizes.add(file.size());
            }
        } catch (final IOException e) {
            files.forEach(Threads::closeQuietly);
            throw e;
        }
    }

    @Override
    public @Nullable Piece next(final BlockPool pool, final CRC32C crc, final long at) throws IOException {
        final long left = leftInFile();
        if (left < 0 || !inPlace || files.get(current).isBlockDevice()) {
            return StreamSource.super.next(pool, crc, at);
        }
        final NativeFile file = files.get(current);
        final int length = (int) Math.min(left, Piece.roomAt(at));
        if (file.size() < sizes.get(current)) {
            throw shrunk(current);
        }
        final Piece piece = pieces.piece(at, length, file.fd(), position);
        position += length;
        return piece;
    }

    /** Returns how much of the current file is left, at least 1, or -1 behind the last one. */
    private long leftInFile() throws IOException {
        while (current < files.size()) {
            final long left = sizes.get(current) - position;
            if (left > 0) {
                return left;
            }
            if (files.get(current).size() < sizes.get(current)) {
                throw shrunk(current);
            }
            current++;
            position = 0;
        }
        return -1;
    }

    @Override
    public boolean read(final Block into, final int most) throws IOException {
        final ByteBuffer space = into.space().limit(most);
        for (long left = leftInFile(); space.hasRemaining() && left > 0; left = leftInFile()) {
            position += read(current, position, space, (int) Math.min(space.remaining(), left));
        }
        into.length(space.position());
        return into.length() > 0;
    }

    private int read(final int file, final long offset, final ByteBuffer space, final int length) throws IOException {
        final int limit = space.limit();
        space.limit(space.position() + length);
        final int n = files.get(file).read(space, offset);
        space.limit(limit);
        if (n < length) {
            throw shrunk(file);
        }
        return n;
    }

    private ReplicationException shrunk(final int file) {
        return ReplicationException.fail(
                files.get(file) + ": has become shorter while it was sent, it had " + sizes.get(file) + " bytes", null);
    }

    @Override
    public History history() {
        return this::again;
    }

    private Piece again(final long offset, final long limit) throws IOException {
        final Block block = Block.unpooled((int) (limit - offset));
        try {
            final ByteBuffer space = block.space();
            long begin = 0;
            for (int i = 0; i < files.size() && space.hasRemaining(); i++) {
                final long end = begin + sizes.get(i);
                final long at = offset + space.position();
                if (at < end) {
                    read(i, at - begin, space, (int) Math.min(space.remaining(), end - at));
                }
                begin = end;
            }
            block.length(space.position());
            return Piece.of(offset, block, new CRC32C());
        } catch (final IOException | RuntimeException e) {
            block.release();
            throw e;
        }
    }

    @Override
    public void close() throws IOException {
        files.forEach(Threads::closeQuietly);
    }
}
