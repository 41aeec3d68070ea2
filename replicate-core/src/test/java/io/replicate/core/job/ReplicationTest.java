package io.replicate.core.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.replicate.core.block.Block;
import io.replicate.core.contract.Images;
import io.replicate.core.file.FileSink;
import io.replicate.core.file.FileSource;
import io.replicate.core.spi.Committed;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Unit;
import io.replicate.core.spi.Volume;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReplicationTest {
    private static final int MIB = 1 << 20;

    @TempDir
    private Path directory;

    static byte[] random(final int length, final long seed) {
        final byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    @Test
    void fiveLinesCopyAFileToAFileAndProveIt() throws IOException {
        final Path from = directory.resolve("from.img");
        final Path to = directory.resolve("to.img");
        Files.write(from, random(10 * MIB + 12345, 1));

        final Result result;
        try (Job job = Replication.from(from.toString())
                .to(to.toString())
                .rateBytesPerSecond(200 << 20)
                .verify(true)
                .start()) {
            result = job.await();
        }

        assertThat(to).hasSameBinaryContentAs(from);
        assertThat(result.bytes()).isEqualTo(10 * MIB + 12345);
        assertThat(result.carriedBytes()).isEqualTo(10 * MIB + 12345);
        assertThat(result.committed()).isEqualTo(Committed.ATOMIC);
        assertThat(result.verified()).isTrue();
    }

    @Test
    void holesAndZerosAreNotCarried() throws IOException {
        final byte[] image = random(8 * MIB, 2);
        Arrays.fill(image, MIB, 3 * MIB, (byte) 0);
        Arrays.fill(image, 5 * MIB, 6 * MIB, (byte) 0);
        final MemorySource source = new MemorySource(
                image,
                List.of(Extent.data(0, MIB), Extent.hole(MIB, 2 * MIB), Extent.data(3 * MIB, 5 * MIB)),
                Geometry.bytes(image.length));
        final MemorySink sink = new MemorySink();

        final Result result = run(Replication.from(source).to(sink));

        assertThat(sink.committed).isEqualTo(image);
        assertThat(result.carriedBytes()).isEqualTo(5 * MIB);
        assertThat(result.skippedZeroBytes()).isEqualTo(3 * MIB);
        assertThat(sink.writes).contains(Extent.hole(MIB, 2 * MIB), Extent.hole(5 * MIB, MIB));
    }

    @Test
    void holesAreWrittenAsDataWhenTheTargetShallNotBeSparse() throws IOException {
        final byte[] image = random(4 * MIB, 22);
        Arrays.fill(image, MIB, 3 * MIB, (byte) 0);
        final MemorySource source = new MemorySource(
                image,
                List.of(Extent.data(0, MIB), Extent.hole(MIB, 2 * MIB), Extent.data(3 * MIB, MIB)),
                Geometry.bytes(image.length));
        final MemorySink sink = new MemorySink();

        final Result result = run(Replication.from(source).to(sink).sparse(false));

        assertThat(sink.committed).isEqualTo(image);
        assertThat(result.carriedBytes()).isEqualTo(4 * MIB);
        assertThat(result.skippedZeroBytes()).isZero();
        assertThat(sink.writes).allMatch(Extent::hasData);
    }

    @Test
    void whatIsCommittedIsReportedAsDurable() throws IOException {
        final AtomicLong durable = new AtomicLong();

        run(Replication.from(new MemorySource(random(MIB, 23)))
                .to(new MemorySink())
                .listener(snapshot -> durable.set(snapshot.durableBytes())));

        assertThat(durable).hasValue(MIB);
    }

    @Test
    void anAbsurdNumberOfWorkersIsRefused() {
        assertThatThrownBy(() -> run(Replication.from(new MemorySource(random(MIB, 24)))
                        .to(new MemorySink())
                        .workers(100_000)))
                .hasMessageContaining("100000 workers")
                .satisfies(e ->
                        assertThat(ReplicationException.categoryOf(e)).isEqualTo(ReplicationException.Category.MISUSE));
    }

    @Test
    void aStreamOfUnknownLengthIsCopiedToItsEnd() throws IOException {
        final byte[] image = random(3 * MIB + 77, 3);
        final MemorySource source = new MemorySource(image, List.of(Extent.data(0, 1L << 40)), Geometry.stream());
        final MemorySink sink = new MemorySink(new Geometry(Unit.UNKNOWN, 1, MIB, MIB, true, false));

        final Result result = run(Replication.from(source).to(sink));

        assertThat(sink.committed).isEqualTo(image);
        assertThat(result.bytes()).isEqualTo(image.length);
        assertThat(sink.writes).isSortedAccordingTo((a, b) -> Long.compare(a.offset(), b.offset()));
    }

    @Test
    void anEmptySourceIsCopied() throws IOException {
        final MemorySink sink = new MemorySink();

        final Result result =
                run(Replication.from(new MemorySource(new byte[0])).to(sink));

        assertThat(sink.committed).isEmpty();
        assertThat(result.bytes()).isZero();
    }

    @Test
    void aSourceThatShrinksFailsTheJobAndNothingIsCommitted() {
        final MemorySource source =
                new MemorySource(random(MIB, 4), List.of(Extent.data(0, 2 * MIB)), Geometry.bytes(2 * MIB));
        final MemorySink sink = new MemorySink();

        assertThatThrownBy(() -> run(Replication.from(source).to(sink)))
                .isInstanceOf(ReplicationException.class)
                .hasMessageContaining("ended at offset " + MIB);
        assertThat(sink.committed).isNull();
    }

    @Test
    void aCopyThatDiffersIsFoundWithItsFirstOffsetAndGetsNoName() throws IOException {
        final Path from = directory.resolve("from.img");
        final Path to = directory.resolve("to.img");
        Files.write(from, random(4 * MIB, 5));
        Files.writeString(to, "the old content");
        final MemoryCheckpoint checkpoint = new MemoryCheckpoint();

        final Replication replication = Replication.from(from.toString())
                .to(new DamagedWhenDurable(new FileSink(to), () -> flipAByteOfThePart(2 * MIB + 17)))
                .checkpoint(checkpoint)
                .id(JobId.of("damaged"))
                .verify(true);

        assertThatThrownBy(() -> run(replication))
                .hasMessageContaining("from offset " + (2 * MIB + 17))
                .hasMessageContaining("did not get its name")
                .satisfies(e -> assertThat(ReplicationException.categoryOf(e))
                        .isEqualTo(ReplicationException.Category.CORRUPT));
        assertThat(to).hasContent("the old content");
        assertThat(directory).isDirectoryNotContaining(path -> path.toString().endsWith(".part"));
        assertThat(checkpoint.kept).isEmpty();
    }

    @Test
    void aTargetThatIsWrittenInPlaceAndDiffersIsSaidToBeNoCopy() throws IOException {
        final Volume volume = volume("in-place");
        final Runnable damage = () -> {
            try {
                volume.write(MIB + 5, ByteBuffer.allocate(1), Set.of());
            } catch (final IOException e) {
                throw new UncheckedIOException(e);
            }
        };

        assertThatThrownBy(() -> run(Replication.from(new MemorySource(random(8 * MIB, 9)))
                        .to(new DamagedWhenDurable(VolumeSink.borrowing(volume), damage))
                        .verify(true)))
                .hasMessageContaining("from offset " + (MIB + 5))
                .hasMessageContaining("written in place and is no copy");
    }

    private void flipAByteOfThePart(final long offset) {
        try (DirectoryStream<Path> parts = Files.newDirectoryStream(directory, "*.part")) {
            try (FileChannel part =
                    FileChannel.open(parts.iterator().next(), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                final ByteBuffer one = ByteBuffer.allocate(1);
                part.read(one, offset);
                part.write(one.put(0, (byte) ~one.get(0)).flip(), offset);
            }
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A volume that a network is before keeps no resume keys. */
    @Test
    void aCopyToAVolumeGoesOnIfTheVolumeHoldsWhatTheCheckpointRemembers() throws Exception {
        final MemoryCheckpoint checkpoint = new MemoryCheckpoint();
        final byte[] image = random(8 * MIB, 7);
        final Volume volume = volume("resumed");

        copyPartly(image, volume, checkpoint);
        final Result result = run(ontoVolume(image, volume, checkpoint));

        assertThat(result.resumedBytes()).isPositive();
        assertThat(result.bytes()).isEqualTo(image.length);
        assertThat(Images.readAll(volume)).isEqualTo(image);
    }

    @Test
    void aCopyToAVolumeThatSomebodyMadeAnewStartsOver() throws Exception {
        final MemoryCheckpoint checkpoint = new MemoryCheckpoint();
        final byte[] image = random(8 * MIB, 8);
        copyPartly(image, volume("first"), checkpoint);
        final Volume another = volume("another");

        final Result result = run(ontoVolume(image, another, checkpoint));

        assertThat(result.resumedBytes()).isZero();
        assertThat(Images.readAll(another)).isEqualTo(image);
    }

    /** An older state of the same volume: only one byte of what was copied is another. */
    @Test
    void aCopyToAVolumeInWhichOneByteOfTheDoneDataDiffersStartsOver() throws Exception {
        final MemoryCheckpoint checkpoint = new MemoryCheckpoint();
        final byte[] image = random(8 * MIB, 10);
        final Volume volume = volume("one-byte");
        copyPartly(image, volume, checkpoint);
        volume.write(4321, ByteBuffer.wrap(new byte[] {(byte) ~image[4321]}), Set.of());

        final Result result = run(ontoVolume(image, volume, checkpoint));

        assertThat(result.resumedBytes()).isZero();
        assertThat(Images.readAll(volume)).isEqualTo(image);
    }

    @Test
    void aStreamAsTargetHasNoCheckpoint() {
        final MemoryCheckpoint checkpoint = new MemoryCheckpoint();

        assertThatThrownBy(() -> run(Replication.from(new MemorySource(random(MIB, 11)))
                        .to(new MemorySink(Geometry.stream()))
                        .id(JobId.of("stream"))
                        .checkpoint(checkpoint)))
                .hasMessageContaining("a stream cannot be resumed: leave the checkpoint out")
                .satisfies(e ->
                        assertThat(ReplicationException.categoryOf(e)).isEqualTo(ReplicationException.Category.MISUSE));
        assertThat(checkpoint.kept).isEmpty();
    }

    /** Otherwise a later run without verification would build on what this one found to be wrong. */
    @Test
    void aCopyThatDiffersIsThrownAwayAlsoWhenItsSourceCannotBeReadAgain() throws IOException {
        final Path to = directory.resolve("to.img");
        final MemoryCheckpoint checkpoint = new MemoryCheckpoint();
        final AtomicBoolean gone = new AtomicBoolean();
        final MemorySource source = new MemorySource(random(4 * MIB, 12)) {
            @Override
            public int read(final Extent unit, final Block into) throws IOException {
                if (gone.get()) {
                    throw ReplicationException.fail("the source is gone", null);
                }
                return super.read(unit, into);
            }
        };
        final Runnable damage = () -> {
            flipAByteOfThePart(MIB);
            gone.set(true);
        };

        assertThatThrownBy(() -> run(Replication.from(source)
                        .to(new DamagedWhenDurable(new FileSink(to), damage))
                        .checkpoint(checkpoint)
                        .id(JobId.of("gone"))
                        .verify(true)))
                .hasMessageContaining("the source is gone")
                .hasMessageContaining("did not get its name")
                .satisfies(e -> assertThat(ReplicationException.categoryOf(e))
                        .isEqualTo(ReplicationException.Category.CORRUPT));
        assertThat(directory).isEmptyDirectory();
        assertThat(checkpoint.kept).isEmpty();
    }

    private static Volume volume(final String name) throws IOException {
        return Providers.volume(Locator.parse("mem:ReplicationTest-" + name + "?size=8M"));
    }

    private static Replication ontoVolume(final byte[] image, final Volume volume, final MemoryCheckpoint checkpoint) {
        return Replication.from(new MemorySource(image))
                .to(volume)
                .id(JobId.of("volume"))
                .checkpoint(checkpoint)
                .checkpointEvery(MIB, Duration.ofMillis(50));
    }

    /** Copies some of the beginning: one worker goes in order, so the first block is among what the checkpoint has. */
    private static void copyPartly(final byte[] image, final Volume volume, final MemoryCheckpoint checkpoint)
            throws IOException {
        try (Job job = ontoVolume(image, volume, checkpoint)
                .workers(1)
                .rateBytesPerSecond(2 * MIB)
                .start()) {
            await().until(() -> job.progress().durableBytes() > 0);
        }
    }

    @Test
    void aJobIsTheSameHoweverItsFilesAreSpelt() throws Exception {
        final Path from = directory.resolve("from.img");
        Files.write(from, random(6 * MIB, 6));
        final MemoryCheckpoint checkpoint = new MemoryCheckpoint();
        try (Job job = Replication.from(from.toString())
                .to(directory.resolve("to.img").toString())
                .checkpoint(checkpoint)
                .checkpointEvery(MIB, Duration.ofMillis(50))
                .rateBytesPerSecond(2 * MIB)
                .start()) {
            await().until(() -> job.progress().durableBytes() > 0);
        }

        final Result result = run(Replication.from("file:" + directory + "/./from.img?direct=true")
                .to(directory + "/./to.img?direct=true")
                .checkpoint(checkpoint));

        assertThat(result.resumedBytes()).isPositive();
        assertThat(directory.resolve("to.img")).hasSameBinaryContentAs(from);
        assertThat(checkpoint.kept).isEmpty();
    }

    @Test
    void aSourceThatChangesWhileItIsCopiedLeavesNoCopyUnlessForced() throws Exception {
        final byte[] image = random(MIB, 7);
        final Path to = directory.resolve("to.img");
        final MemorySource source = new MemorySource(image) {
            @Override
            public int read(final Extent unit, final Block into) throws IOException {
                revision = new Revision("2");
                return super.read(unit, into);
            }
        };

        assertThatThrownBy(() -> run(Replication.from(source).to(to.toString())))
                .isInstanceOf(ReplicationException.class)
                .hasMessageContaining("the source changed while it was copied (1 at the start, 2 now)");
        assertThat(directory).isEmptyDirectory();

        source.revision = new Revision("1");
        run(Replication.from(source).to(to.toString()).force(true));
        assertThat(to).hasBinaryContent(image);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aSourceThatIsReplacedOrUnlinkedWhileItIsCopiedIsStillOneState(final boolean replaced) throws Exception {
        final byte[] image = random(MIB, 7);
        final Path from = Files.write(directory.resolve("from.img"), image);
        final Path to = directory.resolve("to.img");
        final Path next = Files.write(directory.resolve("next.img"), random(MIB, 8));
        final AtomicBoolean done = new AtomicBoolean();
        try (FileSource file = FileSource.open(from)) {
            final MemorySource source = new MemorySource(image) {
                @Override
                public int read(final Extent unit, final Block into) throws IOException {
                    if (done.compareAndSet(false, true)) {
                        if (replaced) {
                            Files.move(next, from, StandardCopyOption.ATOMIC_MOVE);
                        } else {
                            Files.delete(from);
                        }
                    }
                    return file.read(unit, into);
                }

                @Override
                public Optional<Path> storage() {
                    return file.storage();
                }

                @Override
                public Revision revision() {
                    try {
                        return file.revision();
                    } catch (final IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }
            };
            run(Replication.from(source).to(to.toString()));
        }
        assertThat(done).isTrue();
        assertThat(to).hasBinaryContent(image);
    }

    private static Result run(final Replication replication) throws IOException {
        try (Job job = replication.start()) {
            return job.await();
        }
    }
}
