package io.replicate.core.stream;

import io.replicate.core.contract.SinkContract;
import io.replicate.core.contract.SourceContract;
import io.replicate.core.posix.Commands;
import io.replicate.core.posix.Fd;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Posix;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Sink;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

class StreamBackendsTest {
    @TempDir
    Path directory = Path.of("");

    private Path pipeWith(final byte[] content) throws IOException {
        Commands.assumeTool("mkfifo");
        final Path pipe = directory.resolve("pipe");
        Commands.run("mkfifo", pipe.toString());
        final Thread writer = new Thread(() -> {
            try (OutputStream out = Files.newOutputStream(pipe, StandardOpenOption.WRITE)) {
                out.write(content);
            } catch (final IOException e) {
                // the test had read enough
            }
        });
        writer.setDaemon(true);
        writer.start();
        return pipe;
    }

    @Nested
    class PipeSource extends SourceContract {
        @Override
        protected Source<Extent> newSource(final byte[] content) throws IOException {
            return StreamSource.open(pipeWith(content), Unit.UNKNOWN);
        }
    }

    @Nested
    class PipeSourceOfKnownSize extends SourceContract {
        @Override
        protected Source<Extent> newSource(final byte[] content) throws IOException {
            return StreamSource.open(pipeWith(content), content.length);
        }
    }

    /** Like {@code > target}: a descriptor that somebody else has opened. */
    @Nested
    class RedirectedSink extends SinkContract {
        private Path target() {
            return directory.resolve("target");
        }

        @Override
        protected Sink<Extent> newSink() throws IOException {
            return StreamSink.over(
                    Fd.open(Posix.get(), target().toString(), Linux.O_WRONLY | Linux.O_CREAT | Linux.O_TRUNC, 0600),
                    target());
        }

        @Override
        protected Optional<byte[]> stored() throws IOException {
            return Optional.of(Files.readAllBytes(target()));
        }

        @Override
        protected Committed promise() {
            return Committed.IN_PLACE;
        }

        @Override
        protected boolean resumes() {
            return false;
        }

        @Override
        protected boolean locks() {
            return false;
        }
    }
}
