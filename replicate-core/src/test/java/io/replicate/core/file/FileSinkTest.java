package io.replicate.core.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.replicate.core.block.BlockPool;
import io.replicate.core.contract.Images;
import io.replicate.core.posix.Commands;
import io.replicate.core.posix.NativeFile;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import io.replicate.core.spi.Revision;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileSinkTest {
    private static final int SIZE = 1 << 20;

    @TempDir
    Path directory = Path.of("");

    private final BlockPool pool = new BlockPool(64 << 10, 1);
    private final byte[] image = Images.sparse(SIZE, new Random(1));

    @AfterEach
    void everyBlockCameBack() {
        assertThat(pool.lent()).isZero();
    }

    private Path target() {
        return directory.resolve("target");
    }

    private static Target target(final long sizeBytes, final long dataBytes, final boolean fromDevice) {
        return new Target(sizeBytes, dataBytes, fromDevice, null, 1, null, false);
    }

    private Session<Extent> begin(final Path path, final Target target) throws IOException {
        return new FileSink(path, false).begin(target);
    }

    private void write(final Session<Extent> session) throws IOException {
        for (final Extent extent : Images.extents(image, Extent.Kind.HOLE)) {
            Images.write(session, pool, image, extent);
        }
    }

    private void copyTo(final Path path) throws IOException {
        try (Session<Extent> session = begin(path, Target.ofSize(SIZE))) {
            write(session);
            session.commit(Revision.NONE);
        }
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.toList();
        }
    }

    private void assertMisuse(final String words, final Path path, final Target target) {
        assertThatThrownBy(() -> begin(path, target).close())
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.MISUSE))
                .hasMessageContaining(words)
                .hasMessageContaining(path.toString());
    }

    @Test
    void theFormerFileKeepsItsModeAndOwner() throws Exception {
        Files.writeString(target(), "old");
        Files.setPosixFilePermissions(target(), PosixFilePermissions.fromString("rw-r-----"));
        if (isRoot()) {
            Files.setAttribute(target(), "unix:uid", 1234);
            Files.setAttribute(target(), "unix:gid", 5678);
        }
        final Object uid = Files.getAttribute(target(), "unix:uid");
        final Object gid = Files.getAttribute(target(), "unix:gid");

        copyTo(target());

        assertThat(Files.readAllBytes(target())).isEqualTo(image);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(target())))
                .isEqualTo("rw-r-----");
        assertThat(Files.getAttribute(target(), "unix:uid")).isEqualTo(uid);
        assertThat(Files.getAttribute(target(), "unix:gid")).isEqualTo(gid);
    }

    private static boolean isRoot() {
        return "root".equals(System.getProperty("user.name"));
    }

    @Test
    void aNewFileGetsTheUsualModeAndIsPrivateWhileItIsMade() throws Exception {
        try (Session<Extent> session = begin(target(), Target.ofSize(SIZE))) {
            assertThat(files()).hasSize(1);
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(files().get(0))))
                    .isEqualTo("rw-------");
            session.commit(Revision.NONE);
        }
        final String mode = PosixFilePermissions.toString(Files.getPosixFilePermissions(target()));
        assertThat(mode).startsWith("rw-").doesNotContain("x");
        assertThat(mode.charAt(7)).isEqualTo('-');
    }

    @Test
    void aNewFileIsOpenToNoMorePeopleThanItsSource() throws Exception {
        final Path source = Files.write(directory.resolve("source"), image);
        for (final String mode : List.of("rw-------", "r--------", "rw-r-----")) {
            Files.setPosixFilePermissions(source, PosixFilePermissions.fromString(mode));
            final Path copy = directory.resolve("copy-" + mode);
            try (Session<Extent> session = begin(copy, Target.ofSize(SIZE).of(source))) {
                session.commit(Revision.NONE);
            }
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(copy)))
                    .isEqualTo(mode);
        }
    }

    @Test
    void theSourceItselfIsNoTargetByAnyName() throws Exception {
        final Path source = Files.write(directory.resolve("source"), image);
        final Target fromSource = Target.ofSize(SIZE).of(source).forced();

        assertMisuse("is the source itself", source, fromSource);
        assertMisuse("is the source itself", Files.createLink(directory.resolve("hard"), source), fromSource);
        final Path link = Files.createSymbolicLink(directory.resolve("soft"), source);
        assertThatThrownBy(() -> begin(link, fromSource)).hasMessageContaining("is the source itself");

        assertThat(source).hasBinaryContent(image);
        assertThat(files()).hasSize(3);
    }

    @Test
    void whatIsProvenIsTheDurableContentUnderItsFinalSize() throws Exception {
        try (Session<Extent> session = begin(target(), Target.ofSize(SIZE).resumable("key"))) {
            write(session);
            session.flush();
            assertThat(Images.readAll(session.proof().orElseThrow())).isEqualTo(image);
            assertThat(target()).doesNotExist();
            session.commit(Revision.NONE);
        }
        try (Session<Extent> session =
                begin(target(), new Target(Unit.UNKNOWN, Unit.UNKNOWN, false, null, 1, null, false))) {
            session.write(Extent.hole(0, 12_345), null);
            session.flush();
            assertThat(Images.readAll(session.proof().orElseThrow())).isEqualTo(new byte[12_345]);
        }
    }

    @Test
    void aLinkStaysAndTheFileBehindItIsReplaced() throws Exception {
        final Path behind =
                Files.createDirectory(directory.resolve("elsewhere")).resolve("file");
        Files.createSymbolicLink(target(), Path.of("elsewhere/file"));

        copyTo(target()); // dangling: the file is made
        copyTo(target());

        assertThat(target()).isSymbolicLink();
        assertThat(Files.readAllBytes(behind)).isEqualTo(image);
        assertThat(Files.list(behind.getParent())).hasSize(1);
    }

    @Test
    void aLoopOfLinksIsMisuse() throws Exception {
        Files.createSymbolicLink(target(), target());

        assertMisuse("too many levels", target(), Target.ofSize(SIZE));
    }

    @Test
    void holesOfTheImageAreHolesOfTheFile() throws Exception {
        try (Session<Extent> session = begin(target(), Target.ofSize(1L << 40))) {
            session.write(Extent.hole(0, 1L << 39), null);
            session.write(Extent.zero(1L << 39, 1L << 39), null);
            session.commit(Revision.NONE);
        }
        try (NativeFile file = NativeFile.open(target())) {
            assertThat(file.size()).isEqualTo(1L << 40);
            assertThat(file.stat().allocatedBytes()).isLessThan(1 << 20);
        }
    }

    @Test
    void aDenseTargetHasItsSpaceBeforeTheFirstByte() throws Exception {
        try (Session<Extent> session = begin(target(), target(SIZE, SIZE, false))) {
            try (NativeFile part = NativeFile.open(files().get(0))) {
                final long allocated = part.stat().allocatedBytes();
                assumeTrue(allocated > 0, "missing kernel feature: fallocate in this file system");
                assertThat(allocated).isGreaterThanOrEqualTo(SIZE);
            }
            session.write(Extent.hole(0, SIZE), null);
            session.commit(Revision.NONE);
        }
        try (NativeFile file = NativeFile.open(target())) {
            assertThat(file.stat().allocatedBytes()).as("a hole is given back").isZero();
        }
    }

    @Test
    void whatAKilledSessionLeftWithoutAKeyIsNotTakenForContent() throws Exception {
        final Path left = PartFile.beside(target(), "new");
        final byte[] garbage = new byte[2 * SIZE];
        Arrays.fill(garbage, (byte) 9);
        Files.write(left, garbage);

        copyTo(target());

        assertThat(Files.readAllBytes(target())).isEqualTo(image);
        assertThat(files()).containsExactly(target());
    }

    @Test
    void nothingIsLeftOfASessionThatWasNotCommitted() throws Exception {
        try (Session<Extent> session = begin(target(), Target.ofSize(SIZE))) {
            write(session);
        }
        assertThat(files()).isEmpty();
    }

    @Test
    void namesAsLongAsTheFileSystemTakesWork() throws Exception {
        final Path longest = directory.resolve("n".repeat(255));

        copyTo(longest);

        assertThat(files()).containsExactly(longest);
    }

    @Test
    void namesWithPatternCharactersWork() throws Exception {
        final Path odd = directory.resolve("a[1]*{b}?\\c");

        try (Session<Extent> session = begin(odd, Target.ofSize(SIZE).resumable("k1"))) {
            assertMisuse("is being written", odd, Target.ofSize(SIZE).resumable("k2"));
            session.commit(Revision.NONE);
        }
        assertThat(files()).containsExactly(odd);
    }

    @Test
    void targetsWhoseNamesBeginAlikeAreWrittenAtTheSameTime() throws Exception {
        try (Session<Extent> one = begin(directory.resolve("disk.img"), Target.ofSize(SIZE));
                Session<Extent> other =
                        begin(directory.resolve("disk"), Target.ofSize(SIZE).resumable("img"))) {
            one.commit(Revision.NONE);
            other.commit(Revision.NONE);
        }
        assertThat(files()).hasSize(2);
    }

    @Test
    void aVolumeThatIsServedIsNotReplaced() throws Exception {
        Files.write(target(), image);
        try (FileVolume served = FileVolume.open(target(), false, FileVolume.Mode.READ_WRITE)) {
            assertThatThrownBy(() -> FileVolume.open(target(), false, FileVolume.Mode.READ_WRITE))
                    .hasMessageContaining("under another name by this one");
            assertMisuse("is being written or served", target(), Target.ofSize(SIZE));
            assertThat(served.readOnly()).isFalse();
        }
        copyTo(target());
    }

    @Test
    void aMissingDirectoryIsMisuse() {
        assertMisuse("does not exist; make it first", directory.resolve("no/file"), Target.ofSize(1));
    }

    @Test
    void aDirectoryIsMisuse() {
        assertMisuse("is a directory; name a file in it", directory, Target.ofSize(1));
    }

    @Test
    void aStreamIsMisuse() {
        assertMisuse("is a stream", Path.of("/dev/null"), Target.ofSize(1));
    }

    @Test
    void aMistypedDeviceIsMisuse() {
        assertMisuse("no such device", Path.of("/dev/sd-mistyped"), Target.ofSize(1));
    }

    @Test
    void aDeviceOverAFileNeedsForce() throws Exception {
        Files.writeString(target(), "old");

        assertMisuse("the source is a block device", target(), target(SIZE, Unit.UNKNOWN, true));
        assertThat(target()).hasContent("old");

        begin(target(), target(SIZE, Unit.UNKNOWN, true).forced()).close();
        begin(directory.resolve("fresh"), target(SIZE, Unit.UNKNOWN, true)).close();
    }

    @Test
    void aFullDiskIsSeenBeforeTheFirstByteAndLeavesNothing() throws Exception {
        final long tooMuch = Files.getFileStore(directory).getTotalSpace() + 1;

        assertMisuse("are free on", target(), target(tooMuch, tooMuch, false));
        assertThat(files()).isEmpty();
        assertMisuse("are free on", target(), target(tooMuch, tooMuch, false).resumable("k"));
        assertThat(files()).isEmpty();
    }

    @Test
    @Tag("root")
    void aFullDiskDuringTheCopyFailsTheJobWithThePlace() throws Exception {
        Commands.assumeRoot("mounting");
        final Path mount = Files.createDirectory(directory.resolve("small"));
        Commands.run("mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", mount.toString());
        try {
            final byte[] full = new byte[SIZE];
            Arrays.fill(full, (byte) 1);
            try (Session<Extent> session = begin(mount.resolve("file"), Target.ofSize(SIZE))) {
                assertThatThrownBy(() -> {
                            for (final Extent extent : Images.extents(full, Extent.Kind.HOLE)) {
                                Images.write(session, pool, full, extent);
                            }
                        })
                        .hasMessageMatching("pwrite .*file.* offset=\\d+ length=\\d+: ENOSPC")
                        .satisfies(e ->
                                assertThat(ReplicationException.categoryOf(e)).isEqualTo(Category.FAIL_JOB));
                assertThatThrownBy(session::flush).hasMessageContaining("an earlier step failed");
                assertThatThrownBy(() -> session.commit(Revision.NONE)).hasMessageContaining("an earlier step failed");
            }
            assertThat(Files.list(mount)).isEmpty();
        } finally {
            Commands.run("umount", mount.toString());
        }
    }
}
