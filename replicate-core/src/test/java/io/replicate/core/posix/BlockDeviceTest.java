package io.replicate.core.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A loop device as block device. */
@Tag("root")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BlockDeviceTest {
    private static final int MIB = 1 << 20;
    private static final long SIZE = 16L * MIB + 512;

    private final Memory data = Memory.random(MIB, 6);
    private final Memory back = new Memory(MIB);
    private @Nullable LoopDevice loop;

    @BeforeAll
    void attach() throws IOException {
        loop = LoopDevice.attach(SIZE);
    }

    @AfterAll
    void detach() {
        if (loop != null) {
            loop.close();
        }
    }

    private NativeFile open(NativeFile.Option... more) throws IOException {
        Set<NativeFile.Option> options = EnumSet.of(NativeFile.Option.READ, NativeFile.Option.WRITE);
        options.addAll(Set.of(more));
        return NativeFile.open(Posix.get(), loop().path(), options);
    }

    private LoopDevice loop() {
        if (loop == null) {
            throw new IllegalStateException("not attached");
        }
        return loop;
    }

    @BeforeEach
    void fill() throws IOException {
        try (NativeFile device = open()) {
            device.pwrite(data.address(), MIB, 0);
            device.datasync();
        }
    }

    private void assertContent(NativeFile device, int zeroFrom, int zeroLength) throws IOException {
        byte[] expected = data.bytes();
        Arrays.fill(expected, zeroFrom, zeroFrom + zeroLength, (byte) 0);
        assertThat(device.pread(back.address(), MIB, 0)).isEqualTo(MIB);
        assertThat(back.bytes()).isEqualTo(expected);
    }

    @Test
    void sizesComeFromTheDevice() throws IOException {
        try (NativeFile device = open()) {
            assertThat(device.isBlockDevice()).isTrue();
            assertThat(device.stat().isBlockDevice()).isTrue();
            assertThat(device.size()).isEqualTo(SIZE);
            assertThat(device.directAlignment()).isEqualTo(512);
            assertThat(device.nextData(100)).isEqualTo(new FileRange(100, SIZE - 100));
            assertThat(device.preallocate(0, MIB)).isFalse();
            assertThat(device.tryLock()).isTrue();
            int fd = device.fd().acquire();
            assertThat(Posix.get().blkGetSize64(fd)).isEqualTo(SIZE);
            assertThat(Posix.get().blkSszGet(fd)).isEqualTo(512);
            assertThat(Posix.get().blkPbszGet(fd)).isGreaterThanOrEqualTo(512);
            device.fd().release();
        }
    }

    @Test
    void theEndOfTheDeviceIsReported() throws IOException {
        try (NativeFile device = open()) {
            assertThat(device.pread(back.address(), 4096, SIZE - 512)).isEqualTo(512);
            assertThatThrownBy(() -> device.pwrite(data.address(), 1024, SIZE - 512))
                    .hasMessageEndingWith(" offset=" + SIZE + " length=512: ENOSPC");
        }
    }

    @Test
    void zeroOutAndDiscardTakeARange() throws IOException {
        try (NativeFile device = open()) {
            int fd = device.fd().acquire();
            assertThat(Posix.get().blkZeroOut(fd, 4096, 8192)).isZero();
            assertContent(device, 4096, 8192);
            assertThat(Posix.get().blkDiscard(fd, 65_536, 65_536)).isZero();
            assertThat(Posix.get().blkZeroOut(fd, 1, 2)).isEqualTo(-Errnos.EINVAL);
            device.fd().release();
            assertThat(device.discard(100, MIB)).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void unalignedRangesAreZeroedExactly(boolean direct) throws IOException {
        try (NativeFile device = direct ? open(NativeFile.Option.DIRECT) : open()) {
            assertThat(device.zeroFast(100, 300_000, ZeroMode.MAY_PUNCH)).isTrue();
            assertContent(device, 100, 300_000);
            assertThat(device.zeroFast(513, 100, ZeroMode.MAY_PUNCH))
                    .as("less than a block")
                    .isFalse();
            device.zero(300_100, 100, ZeroMode.MAY_PUNCH);
            device.zero(300_200, 100_000, ZeroMode.KEEP_ALLOCATED);
            assertContent(device, 100, 400_100);
        }
    }

    @Test
    void zeroingThatMayTakeAsLongAsWritingIsNotCalledFast() throws IOException {
        try (NativeFile device = open()) {
            assertThat(device.zeroFast(0, 8192, ZeroMode.KEEP_ALLOCATED)).isFalse();
            assertContent(device, 0, 0);
        }
    }

    @ParameterizedTest
    @EnumSource(ZeroMode.class)
    void blkZeroOutStandsInForFallocate(ZeroMode mode) throws IOException {
        Faults old = new Faults().fail("fallocate", Errnos.EOPNOTSUPP);
        try (NativeFile device = NativeFile.open(
                old.posix(), loop().path(), EnumSet.of(NativeFile.Option.READ, NativeFile.Option.WRITE))) {
            device.zero(100, 100_000, mode);
            device.zero(100_100, 100_000, mode);
            assertThat(old.count("blkZeroOut")).isEqualTo(2);
            assertThat(old.count("fallocate")).as("each kind once").isEqualTo(mode == ZeroMode.MAY_PUNCH ? 2 : 1);
            assertContent(device, 100, 200_000);
        }
    }

    @Test
    void zerosAreWrittenWhereADeviceOffersNothing() throws IOException {
        Faults old = new Faults().fail("fallocate", Errnos.ENODEV).fail("blkZeroOut", Errnos.ENOTTY);
        try (NativeFile device = NativeFile.open(
                old.posix(), loop().path(), EnumSet.of(NativeFile.Option.READ, NativeFile.Option.WRITE))) {
            device.zero(100, 600_000, ZeroMode.MAY_PUNCH);
            assertContent(device, 100, 600_000);
        }
    }

    @Test
    void anExclusiveOpenRefusesADeviceInUse() throws IOException {
        try (NativeFile first = open(NativeFile.Option.EXCLUSIVE)) {
            assertThatThrownBy(() -> open(NativeFile.Option.EXCLUSIVE)).hasMessageEndingWith(": EBUSY");
            assertThat(first.size()).isEqualTo(SIZE);
        }
    }

    @Test
    void twoNodesOfOneDeviceAreTheSameStorage() throws IOException {
        try (NativeFile first = open();
                NativeFile second = open()) {
            assertThat(first.stat().isSameStorage(second.stat())).isTrue();
        }
    }
}
