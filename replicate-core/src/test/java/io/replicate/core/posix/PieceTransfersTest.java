package io.replicate.core.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Many pieces in one call are as many single transfers, whatever the kernel makes of them. */
class PieceTransfersTest {
    private static final int BYTES = 1 << 20;
    private static final int PIECE = 4096;
    private static final int ALL = BYTES / PIECE;

    @TempDir
    private Path directory = Path.of("");

    private final Memory data = Memory.random(BYTES, 3);
    private final Memory back = new Memory(BYTES);
    private final Faults faults = new Faults();

    private NativeFile filled(NativeFile.Option... more) throws IOException {
        Path path = Files.write(directory.resolve("disk.img"), data.bytes());
        Set<NativeFile.Option> options = EnumSet.of(NativeFile.Option.READ, NativeFile.Option.WRITE);
        options.addAll(Arrays.asList(more));
        return NativeFile.open(faults.posix(), path, options);
    }

    /** Every piece of the file, last first; the buffer has them in the order of the file. */
    private static Pieces backwards(int length) {
        Pieces pieces = new Pieces(ALL);
        for (int i = ALL - 1; i >= 0; i--) {
            pieces.add((long) i * PIECE, i * PIECE, length);
        }
        assertThat(pieces.isFull()).isTrue();
        return pieces;
    }

    private void requireAllRead(NativeFile file) throws IOException {
        assertThat(file.readAll(backwards(PIECE), back.buffer())).isEqualTo(-1);
        assertThat(back.bytes()).isEqualTo(data.bytes());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void allAreReadByFewCalls(boolean direct) throws IOException {
        try (NativeFile file = direct ? filled(NativeFile.Option.DIRECT) : filled()) {
            requireAllRead(file);
            assertThat(faults.count("ioSubmit")).isEqualTo(ALL / Batch.MOST);
            assertThat(faults.count("pread")).isZero();
        }
    }

    @Test
    void allAreWritten() throws IOException {
        try (NativeFile file = filled()) {
            ByteBuffer other = Memory.random(BYTES, 4).buffer();
            file.writeAll(backwards(PIECE), other);
            assertThat(faults.count("pwrite")).isZero();
            byte[] expected = new byte[BYTES];
            other.get(0, expected);
            assertThat(file.path()).hasBinaryContent(expected);
        }
    }

    @Test
    void unalignedPiecesOfADirectFileAreReadOneByOne() throws IOException {
        try (NativeFile file = filled(NativeFile.Option.DIRECT)) {
            assertThat(file.readAll(backwards(100), back.buffer())).isEqualTo(-1);
            assertThat(back.bytes(PIECE, 100)).isEqualTo(data.bytes(PIECE, 100));
            assertThat(faults.count("ioSubmit")).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ioSetup", "ioSubmit"})
    void whereTheKernelRefusesTheyAreReadOneByOne(String call) throws IOException {
        faults.fail(call, Errnos.EPERM);
        try (NativeFile file = filled()) {
            requireAllRead(file);
            requireAllRead(file);
            assertThat(faults.count(call)).isEqualTo(1);
            assertThat(file.transfersTogether()).isEqualTo("ioSubmit".equals(call));
        }
    }

    @Test
    void whatTheKernelDoesNotTakeAtOnceIsSubmittedAgain() throws IOException {
        AtomicInteger calls = new AtomicInteger();
        faults.on("ioSubmit", arguments -> {
            arguments[1] = Math.min((int) arguments[1], 1 + calls.incrementAndGet() % 7);
            return null;
        });
        try (NativeFile file = filled()) {
            requireAllRead(file);
            assertThat(faults.count("pread")).isZero();
        }
    }

    @Test
    void whatFailsInTheMiddleOfABatchIsReadAlone() throws IOException {
        AtomicInteger calls = new AtomicInteger();
        faults.on("ioSubmit", arguments -> {
            arguments[1] = Math.min((int) arguments[1], 10);
            return calls.incrementAndGet() == 2 ? -Errnos.EAGAIN : null;
        });
        try (NativeFile file = filled()) {
            requireAllRead(file);
            assertThat(faults.count("pread")).isEqualTo(Batch.MOST - 10L);
        }
    }

    @Test
    void aFailureTakesNoBatchAway() throws IOException {
        AtomicInteger calls = new AtomicInteger();
        faults.on("ioSubmit", arguments -> {
            arguments[1] = Math.min((int) arguments[1], 10);
            return calls.incrementAndGet() % 2 == 0 ? -Errnos.EAGAIN : null;
        });
        faults.on("pread", arguments -> (long) -Errnos.EIO);
        try (NativeFile file = filled()) {
            for (int i = 0; i < 20; i++) {
                assertThatThrownBy(() -> file.readAll(backwards(PIECE), back.buffer()))
                        .hasMessageContaining("EIO");
            }
            assertThat(faults.count("ioSetup")).isEqualTo(1);
            assertThat(file.transfersTogether()).isTrue();
        }
    }

    @Test
    void theEndOfTheFileIsFound() throws IOException {
        try (NativeFile file = filled()) {
            file.truncate(BYTES - 100);
            assertThat(file.readAll(backwards(PIECE), back.buffer())).isEqualTo(BYTES - 100);
        }
    }

    @Test
    void aFailureNamesThePlace() throws IOException {
        Path path = Files.write(directory.resolve("disk.img"), data.bytes());
        try (NativeFile file = NativeFile.open(path)) {
            assertThatThrownBy(() -> file.writeAll(backwards(PIECE), data.buffer()))
                    .hasMessage("pwrite " + path + " offset=" + (BYTES - PIECE) + " length=" + PIECE + ": EBADF");
        }
    }

    @Test
    void aClosedFileIsNotTouched() throws IOException {
        NativeFile file = filled();
        file.close();
        assertThatThrownBy(() -> file.readAll(backwards(PIECE), back.buffer())).hasMessageContaining("EBADF");
    }
}
