package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.NativeFile;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Files or devices, one behind the other. Their sizes are those of the opening: one that shrinks fails the run. */
final class FileStreamSource implements StreamSource {
    private final List<NativeFile> files = new ArrayList<>();
    private final List<Long> sizes = new ArrayList<>();
    private int current;
    private long position;

    FileStreamSource(final List<Path> paths) throws IOException {
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
    public boolean read(final Block into) throws IOException {
        final ByteBuffer space = into.space();
        while (space.hasRemaining() && current < files.size()) {
            final NativeFile file = files.get(current);
            final long left = sizes.get(current) - position;
            if (left == 0) {
                if (file.size() < sizes.get(current)) {
                    throw shrunk(file);
                }
                current++;
                position = 0;
                continue;
            }
            final int begin = space.position();
            space.limit((int) Math.min(space.capacity(), begin + left));
            final int n = file.read(space, position);
            space.limit(space.capacity());
            if (space.position() - begin < Math.min(space.capacity() - begin, left) || n < 1) {
                throw shrunk(file);
            }
            position += n;
        }
        into.length(space.position());
        return into.length() > 0;
    }

    private ReplicationException shrunk(final NativeFile file) {
        return ReplicationException.fail(
                file + ": has become shorter while it was sent, it had " + sizes.get(current) + " bytes", null);
    }

    @Override
    public void close() throws IOException {
        files.forEach(Threads::closeQuietly);
    }
}
