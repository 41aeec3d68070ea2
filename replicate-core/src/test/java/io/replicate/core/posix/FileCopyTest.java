package io.replicate.core.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FileCopyTest {
    private static final int SIZE = 3_000_001;

    @TempDir
    private Path directory = Path.of("");

    private final byte[] bytes = Memory.random(SIZE, 4).bytes();
    private final Faults faults = new Faults();

    @BeforeEach
    void writeSource() throws IOException {
        Files.write(source(directory), bytes);
    }

    private static Path source(Path directory) {
        return directory.resolve("source");
    }

    private static Path target(Path directory) {
        return directory.resolve("target");
    }

    private NativeFile openSource() throws IOException {
        return NativeFile.open(faults.posix(), source(directory), EnumSet.of(NativeFile.Option.READ));
    }

    private NativeFile openTarget(NativeFile.Option... more) throws IOException {
        Set<NativeFile.Option> options =
                EnumSet.of(NativeFile.Option.READ, NativeFile.Option.WRITE, NativeFile.Option.CREATE);
        options.addAll(Arrays.asList(more));
        return NativeFile.open(faults.posix(), target(directory), options);
    }

    @ParameterizedTest
    @EnumSource(FileCopy.Reflink.class)
    void rangesArriveAtTheirOffset(FileCopy.Reflink reflink) throws IOException {
        try (NativeFile from = openSource();
                NativeFile to = openTarget()) {
            FileCopy copy = new FileCopy(from, to, reflink);
            assertThat(copy.range(0, 0, 1_000_000)).isEqualTo(1_000_000);
            assertThat(copy.range(1_000_000, 1_000_000, 5_000_000))
                    .as("up to the end")
                    .isEqualTo(SIZE - 1_000_000);
            assertThat(copy.range(SIZE, 0, 10)).isZero();
            assertThat(copy.range(0, 0, 0)).isZero();
        }
        assertThat(Files.readAllBytes(target(directory))).isEqualTo(bytes);
    }

    @Test
    void theHelperCopiesBetweenDifferentOffsets() throws IOException {
        try (NativeFile from = openSource();
                NativeFile to = openTarget()) {
            assertThat(FileCopy.copyRange(from, 1000, to, 5, 2_000_000)).isEqualTo(2_000_000);
        }
        assertThat(Arrays.copyOfRange(Files.readAllBytes(target(directory)), 5, 2_000_005))
                .isEqualTo(Arrays.copyOfRange(bytes, 1000, 2_001_000));
    }

    @Test
    void whatIsNotSupportedIsTriedOnce() throws IOException {
        faults.fail("ficloneRange", Errnos.EOPNOTSUPP);
        faults.failLong("copyFileRange", Errnos.EXDEV);
        try (NativeFile from = openSource();
                NativeFile to = openTarget()) {
            FileCopy copy = new FileCopy(from, to, FileCopy.Reflink.AUTO);
            for (int offset = 0; offset < SIZE; offset += 500_000) {
                copy.range(offset, offset, 500_000);
            }
        }
        assertThat(faults.count("ficloneRange")).isEqualTo(1);
        assertThat(faults.count("copyFileRange")).isEqualTo(1);
        assertThat(Files.readAllBytes(target(directory))).isEqualTo(bytes);
    }

    @Test
    void aKernelCopyThatStopsEarlyIsFinishedThroughABuffer() throws IOException {
        faults.fail("ficloneRange", Errnos.EOPNOTSUPP);
        faults.on(
                "copyFileRange",
                a -> (long) a[1] == 0
                        ? (Object)
                                Posix.get().copyFileRange((int) a[0], (long) a[1], (int) a[2], (long) a[3], 1_000_000)
                        : (Object) 0L);
        try (NativeFile from = openSource();
                NativeFile to = openTarget()) {
            assertThat(FileCopy.copyRange(from, 0, to, 0, SIZE)).isEqualTo(SIZE);
        }
        assertThat(Files.readAllBytes(target(directory))).isEqualTo(bytes);
    }

    @Test
    void aFullDiskIsNotTakenForLackOfSupport() throws IOException {
        faults.fail("ficloneRange", Errnos.EOPNOTSUPP);
        faults.failLong("copyFileRange", Errnos.ENOSPC);
        try (NativeFile from = openSource();
                NativeFile to = openTarget()) {
            assertThatThrownBy(() -> FileCopy.copyRange(from, 0, to, 0, SIZE))
                    .hasMessageStartingWith("copy_file_range ")
                    .hasMessageEndingWith("target offset=0 length=" + SIZE + ": ENOSPC");
        }
    }

    @Test
    void aDirectTargetEndsAtTheRightByte() throws IOException {
        try (NativeFile from = openSource();
                NativeFile to = openTarget(NativeFile.Option.DIRECT)) {
            assertThat(FileCopy.copyRange(from, 0, to, 0, SIZE)).isEqualTo(SIZE);
            to.datasync();
        }
        assertThat(faults.count("copyFileRange")).isZero();
        assertThat(Files.readAllBytes(target(directory))).isEqualTo(bytes);
    }

    @Test
    @Tag("root")
    void xfsSharesStorageUnlessToldNotTo() throws IOException {
        try (LoopMount loop = LoopMount.mount("xfs", 400L << 20)) {
            Path mounted = loop.path();
            Files.write(source(mounted), Arrays.copyOf(bytes, 1 << 20));
            Posix posix = faults.posix();
            Set<NativeFile.Option> write = EnumSet.of(NativeFile.Option.WRITE, NativeFile.Option.CREATE);
            try (NativeFile from = NativeFile.open(posix, source(mounted), EnumSet.of(NativeFile.Option.READ));
                    NativeFile shared = NativeFile.open(posix, target(mounted), write);
                    NativeFile own = NativeFile.open(posix, mounted.resolve("own"), write)) {
                faults.on("pwrite", a -> {
                    throw new AssertionError("bytes were written");
                });
                assertThat(FileCopy.copyRange(from, 0, shared, 0, 1 << 20)).isEqualTo(1 << 20);
                faults.heal("pwrite");
                FileCopy copy = new FileCopy(from, own, FileCopy.Reflink.NEVER);
                assertThat(copy.range(0, 0, 1 << 20)).isEqualTo(1 << 20);
            }
            assertThat(faults.count("ficloneRange")).isEqualTo(1);
            assertThat(faults.count("copyFileRange")).isZero();
            assertThat(target(mounted)).hasSameBinaryContentAs(source(mounted));
            assertThat(mounted.resolve("own")).hasSameBinaryContentAs(source(mounted));
        }
    }
}
