package io.replicate.core.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.block.Block;
import io.replicate.core.posix.Commands;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(240)
class StreamTest {
    @TempDir
    Path directory = Path.of("");

    private Path pipe = Path.of("");

    @BeforeEach
    void makePipe() throws IOException {
        Commands.assumeTool("mkfifo");
        pipe = directory.resolve("pipe");
        Commands.run("mkfifo", pipe.toString());
    }

    private CompletableFuture<byte[]> reader() {
        return CompletableFuture.supplyAsync(() -> {
            try (InputStream in = new FileInputStream(pipe.toFile())) {
                final ByteArrayOutputStream all = new ByteArrayOutputStream();
                in.transferTo(all); // readAllBytes would ask a pipe for its position
                return all.toByteArray();
            } catch (final IOException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    /** A reader that is still opening its end is none yet. */
    private StreamSink sinkOnceThereIsAReader() {
        return Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .ignoreException(ReplicationException.class)
                .until(() -> StreamSink.open(pipe), s -> true);
    }

    @Test
    void holesAndDataArriveAtTheReaderInOrder() throws Exception {
        final CompletableFuture<byte[]> read = reader();
        final Block block = Block.unpooled(1 << 20); // larger than a pipe
        block.length(1 << 20);
        for (int i = 0; i < block.length(); i += 4096) {
            block.bytes().put(i, (byte) 7);
        }
        try (StreamSink sink = sinkOnceThereIsAReader();
                Session<Extent> session = sink.begin(Target.ofSize(Unit.UNKNOWN))) {
            session.write(Extent.hole(0, 300_000), null);
            session.write(Extent.data(300_000, 1 << 20), block);
            session.commit(Revision.NONE);
        } finally {
            block.release();
        }

        final byte[] expected = new byte[300_000 + (1 << 20)];
        for (int i = 300_000; i < expected.length; i += 4096) {
            expected[i] = 7;
        }
        assertThat(read.get(30, TimeUnit.SECONDS)).isEqualTo(expected);
    }

    @Test
    void aPipeWithoutAReaderIsMisuse() {
        assertThatThrownBy(() -> StreamSink.open(pipe))
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.MISUSE))
                .hasMessageContaining("start the reader first");
    }

    @Test
    void aReaderThatGoesAwayFailsTheJob() throws Exception {
        final CountDownLatch opened = new CountDownLatch(1);
        final CompletableFuture<Void> reader = CompletableFuture.runAsync(() -> {
            try (InputStream in = new FileInputStream(pipe.toFile())) {
                opened.countDown();
                in.read();
            } catch (final IOException e) {
                throw new IllegalStateException(e);
            }
        });
        try (StreamSink sink = sinkOnceThereIsAReader();
                Session<Extent> session = sink.begin(Target.ofSize(Unit.UNKNOWN))) {
            assertThatThrownBy(() -> session.write(Extent.hole(0, 10 << 20), null))
                    .hasMessageContaining("EPIPE");
            assertThatThrownBy(() -> session.commit(Revision.NONE)).hasMessageContaining("an earlier step failed");
        }
        reader.get(30, TimeUnit.SECONDS);
    }

    @Test
    void aStreamThatEndsBeforeItsSizeFailsTheJob() throws Exception {
        final CompletableFuture<Void> writer = writer(new byte[1000]);
        final Block block = Block.unpooled(4096);
        try (StreamSource source = StreamSource.open(pipe, 2000)) {
            assertThatThrownBy(() -> source.read(Extent.data(0, 2000), block))
                    .hasMessageContaining("ended at offset=1000, expected 2000 bytes");
        } finally {
            block.release();
        }
        writer.get(30, TimeUnit.SECONDS);
    }

    private CompletableFuture<Void> writer(final byte[] bytes) {
        return CompletableFuture.runAsync(() -> {
            try (OutputStream out = Files.newOutputStream(pipe, StandardOpenOption.WRITE)) {
                out.write(bytes);
            } catch (final IOException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    @Test
    void closingEndsAReadThatWaits() throws Exception {
        final StreamSource source = StreamSource.open(pipe, Unit.UNKNOWN);
        final Block block = Block.unpooled(4096);
        final CompletableFuture<Integer> read = CompletableFuture.supplyAsync(() -> {
            try {
                return source.read(Extent.data(0, 4096), block);
            } catch (final IOException e) {
                throw new IllegalStateException(e.getMessage());
            }
        });

        source.close();

        assertThatThrownBy(() -> read.get(30, TimeUnit.SECONDS)).hasMessageContaining("closed");
        block.release();
    }

    @Test
    void pathsOfStreamsAreOpenedAsStreams() throws Exception {
        try (var source = Providers.source(Locator.parse("file:/dev/zero?size=64K"))) {
            assertThat(source.geometry().sequential()).isTrue();
            assertThat(source.geometry().sizeBytes()).isEqualTo(65_536);
        }
        try (var sink = Providers.sink(Locator.parse("/dev/null"))) {
            assertThat(sink.geometry().sequential()).isTrue();
        }
        assertThatThrownBy(() -> Providers.source(Locator.parse("stdio:x"))).hasMessageContaining("nothing may follow");
        assertThatThrownBy(() -> Providers.sink(Locator.parse("stdio:?size=1")))
                .hasMessageContaining("unknown parameter");
    }
}
