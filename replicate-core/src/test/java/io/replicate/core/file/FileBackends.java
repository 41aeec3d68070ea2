package io.replicate.core.file;

import io.replicate.core.contract.SinkContract;
import io.replicate.core.contract.SourceContract;
import io.replicate.core.contract.VolumeContract;
import io.replicate.core.posix.NativeFile;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.junit.jupiter.api.Nested;

/** Regular files in one file system, with and without the page cache. */
abstract class FileBackends {

    /** Returns a directory of this file system that the test has to itself. */
    abstract Path directory() throws IOException;

    /** Writes a file with holes for its zero pages. */
    static Path sparseFile(final Path file, final byte[] content) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            for (int at = 0; at < content.length; at += 4096) {
                final int length = Math.min(4096, content.length - at);
                final ByteBuffer page = ByteBuffer.wrap(content, at, length);
                if (page.mismatch(ByteBuffer.allocate(length)) >= 0) {
                    channel.write(page, at);
                }
            }
        }
        try (NativeFile opened = NativeFile.open(file, NativeFile.Option.WRITE)) {
            opened.truncate(content.length);
        }
        return file;
    }

    @Nested
    class BufferedSource extends SourceContract {
        @Override
        protected Source<Extent> newSource(final byte[] content) throws IOException {
            return FileSource.open(sparseFile(directory().resolve("source"), content), false);
        }
    }

    @Nested
    class DirectSource extends SourceContract {
        @Override
        protected Source<Extent> newSource(final byte[] content) throws IOException {
            return FileSource.open(sparseFile(directory().resolve("source"), content), true);
        }
    }

    abstract class FileSinkContract extends SinkContract {
        private final boolean direct;

        FileSinkContract(final boolean direct) {
            this.direct = direct;
        }

        private Path target() throws IOException {
            return directory().resolve("target");
        }

        @Override
        protected Sink<Extent> newSink() throws IOException {
            return new FileSink(target(), direct);
        }

        @Override
        protected Optional<byte[]> stored() throws IOException {
            return Files.exists(target()) ? Optional.of(Files.readAllBytes(target())) : Optional.empty();
        }

        @Override
        protected Committed promise() {
            return Committed.ATOMIC;
        }

        @Override
        protected boolean resumes() {
            return true;
        }
    }

    @Nested
    class BufferedSink extends FileSinkContract {
        BufferedSink() {
            super(false);
        }
    }

    @Nested
    class DirectSink extends FileSinkContract {
        DirectSink() {
            super(true);
        }
    }

    @Nested
    class BufferedVolume extends VolumeContract {
        @Override
        protected Volume newVolume(final long sizeBytes) throws IOException {
            final Path file = sparseFile(directory().resolve("volume"), new byte[(int) sizeBytes]);
            return FileVolume.open(file, false, FileVolume.Mode.READ_WRITE);
        }
    }

    @Nested
    class DirectVolume extends VolumeContract {
        @Override
        protected Volume newVolume(final long sizeBytes) throws IOException {
            final Path file = sparseFile(directory().resolve("volume"), new byte[(int) sizeBytes]);
            return FileVolume.open(file, true, FileVolume.Mode.READ_WRITE);
        }
    }
}
