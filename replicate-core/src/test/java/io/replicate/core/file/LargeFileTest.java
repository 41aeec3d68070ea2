package io.replicate.core.file;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.block.Block;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.NativeFile;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Source;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that are large enough to go around the page cache unasked, resumed and told from each other. */
class LargeFileTest {
    private static final int MIB = 1 << 20;
    private static final long SIZE = 65L * MIB + 1234;

    private final Block block = Block.unpooled(MIB);
    private final byte[] data = new byte[MIB];

    @TempDir
    private Path directory;

    private Path path;

    @BeforeEach
    void makeALargeSparseFile() throws IOException {
        path = directory.resolve("large");
        new Random(1).nextBytes(data);
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(SIZE);
            file.seek(7L * MIB);
            file.write(data);
            file.seek(SIZE - 1234);
            file.write(data, 0, 1234);
        }
    }

    @AfterEach
    void giveBack() {
        block.release();
    }

    private void assertReads(final Source<Extent> source) throws IOException {
        assertThat(source.read(Extent.data(7L * MIB, MIB), block)).isEqualTo(MIB);
        assertThat(block.bytes()).isEqualTo(ByteBuffer.wrap(data));
        assertThat(source.read(Extent.data(SIZE - 1234, MIB), block)).isEqualTo(1234);
        assertThat(block.bytes()).isEqualTo(ByteBuffer.wrap(data, 0, 1234));
        assertThat(source.read(Extent.data(20L * MIB, MIB), block)).isEqualTo(MIB);
        assertThat(block.bytes()).isEqualTo(ByteBuffer.allocate(MIB));
    }

    @Test
    void itIsReadTheSameInTheCacheAndOutsideAndByEitherWay() throws IOException {
        for (final String parameter : new String[] {"", "?direct=true", "?direct=false"}) {
            for (final boolean cached : new boolean[] {true, false}) {
                if (cached) {
                    Files.readAllBytes(path);
                } else {
                    evict();
                }
                try (FileSource source = (FileSource) Providers.source(Locator.parse(path + parameter))) {
                    assertReads(source);
                }
            }
        }
    }

    private void evict() throws IOException {
        try (NativeFile file = NativeFile.open(path, NativeFile.Option.WRITE)) {
            file.sync();
            file.advise(0, 0, Linux.POSIX_FADV_DONTNEED);
        }
    }

    private static Target target(final long sizeBytes) {
        return new Target(sizeBytes, sizeBytes, false, null, 1, null, false);
    }

    @Test
    void itIsWrittenTheSameByEitherWay() throws IOException {
        for (final FileSink sink : new FileSink[] {
            new FileSink(directory.resolve("auto")),
            new FileSink(directory.resolve("direct"), true),
            new FileSink(directory.resolve("buffered"), false)
        }) {
            try (Session<Extent> session = sink.begin(target(SIZE))) {
                block.space().put(data);
                block.length(MIB);
                session.write(Extent.data(7L * MIB, MIB), block);
                block.length(1234);
                session.write(Extent.data(SIZE - 1234, 1234), block);
                session.write(Extent.hole(0, 7L * MIB), null);
                session.write(Extent.zero(8L * MIB, SIZE - 1234 - 8L * MIB), null);
                session.commit(Revision.NONE);
            }
            assertThat(Files.mismatch(path, Path.of(sink.toString())))
                    .as("%s", sink)
                    .isEqualTo(-1);
        }
    }

    @Test
    void aSessionIsOnlyGoneOnWithAfterAFlush() throws IOException {
        final FileSink sink = new FileSink(directory.resolve("target"));
        final Target target = target(SIZE).resumable("key1");
        block.space().put(data);
        block.length(MIB);
        try (Session<Extent> session = sink.begin(target)) {
            session.write(Extent.data(0, MIB), block);
        }
        try (Session<Extent> session = sink.begin(target)) {
            assertThat(session.resumed()).isFalse();
            session.write(Extent.data(0, MIB), block);
            session.flush();
        }
        try (Session<Extent> session = sink.begin(target)) {
            assertThat(session.resumed()).isTrue();
            session.commit(Revision.NONE);
        }
        assertThat(Files.size(directory.resolve("target"))).isEqualTo(SIZE);
    }

    @Test
    void aChangedFileHasAnotherRevision() throws IOException {
        try (FileSource source = FileSource.open(path)) {
            final Revision before = source.revision();
            assertThat(source.revision()).isEqualTo(before);

            Files.setLastModifiedTime(path, FileTime.from(Instant.ofEpochSecond(1_000_000)));

            assertThat(source.revision()).isNotEqualTo(before);
        }
    }

    @Test
    void aFileThatIsReplacedOrUnlinkedWhileItIsOpenKeepsItsRevision() throws IOException {
        Files.setLastModifiedTime(path, FileTime.from(Instant.ofEpochSecond(1_700_000_000, 123_456_789)));
        final Object inode = Files.getAttribute(path, "unix:ino");
        try (FileSource source = FileSource.open(path)) {
            final Revision before = source.revision();
            // Checkpoints of earlier versions hold this text.
            assertThat(before).isEqualTo(new Revision(inode + "@1700000000123456789"));

            Files.move(Files.createFile(directory.resolve("new")), path, StandardCopyOption.REPLACE_EXISTING);
            assertThat(source.revision()).isEqualTo(before);

            Files.delete(path);
            assertThat(source.revision()).isEqualTo(before);
        }
    }

    @Test
    void aTargetOfUnknownSizeIsWrittenThroughTheCache() throws IOException {
        try (Session<Extent> session = new FileSink(directory.resolve("stream")).begin(Target.ofSize(Unit.UNKNOWN))) {
            block.space().put(data);
            block.length(777);
            session.write(Extent.data(0, 777), block);
            session.commit(Revision.NONE);
        }
        assertThat(directory.resolve("stream")).hasSize(777);
    }
}
