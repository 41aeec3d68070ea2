package io.replicate.ring.tar;

import io.replicate.core.block.Block;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A directory tree as a stream of tar, read once, in order. A file that changes meanwhile fails the run. */
final class TarSource implements Source<Extent> {
    private final Path directory;
    private final List<String> excludes;
    private @Nullable TarProcess tar;
    private @Nullable ReadableByteChannel stream;
    private long position;

    TarSource(final Path directory, final List<String> excludes) throws ReplicationException {
        if (!Files.isDirectory(directory)) {
            throw ReplicationException.misuse(directory + ": is no directory");
        }
        this.directory = directory;
        this.excludes = List.copyOf(excludes);
    }

    @Override
    public Geometry geometry() {
        return Geometry.stream();
    }

    @Override
    public Plan<Extent> plan(final Selection selection) throws ReplicationException {
        if (!(selection instanceof Selection.All)) {
            throw ReplicationException.misuse("tar:" + directory + ": a tree can only be read as a whole");
        }
        return new Plan<>() {
            private boolean given;

            @Override
            public @Nullable Extent next() {
                if (given) {
                    return null;
                }
                given = true;
                return Extent.data(0, Long.MAX_VALUE);
            }

            @Override
            public long totalBytes() {
                return Unit.UNKNOWN;
            }
        };
    }

    @Override
    public int read(final Extent unit, final Block into) throws IOException {
        if (unit.offset() != position) {
            throw ReplicationException.misuse(
                    "tar:" + directory + ": offset=" + unit.offset() + " read behind " + position);
        }
        final ReadableByteChannel from = stream();
        final ByteBuffer space = into.space().limit((int) Math.min(into.capacity(), unit.length()));
        boolean ended = false;
        while (space.hasRemaining() && !ended) {
            ended = from.read(space) < 0;
        }
        if (ended && tar != null) {
            tar.requireSuccess("read of " + directory);
        }
        into.length(space.position());
        position += space.position();
        return space.position() == 0 ? -1 : space.position();
    }

    private ReadableByteChannel stream() throws IOException {
        @Nullable ReadableByteChannel open = stream;
        if (open == null) {
            final List<String> command = new ArrayList<>(List.of(
                    "tar",
                    "--create",
                    "--file=-",
                    "--format=posix",
                    "--sparse",
                    "--numeric-owner",
                    "--directory=" + directory));
            excludes.forEach(pattern -> command.add("--exclude=" + pattern));
            command.add(".");
            final TarProcess started = TarProcess.start(command);
            tar = started;
            open = Channels.newChannel(started.output());
            stream = open;
        }
        return open;
    }

    @Override
    public void close() {
        if (tar != null) {
            tar.close();
        }
    }

    @Override
    public String toString() {
        return "tar:" + directory;
    }
}
