package io.replicate.examples.demo;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** Makes a sparse image of 640 MiB with 200 MiB of data: a real ext4 file system where mkfs.ext4 is there. */
final class DemoImage {
    private static final long SIZE = 640L << 20;
    private static final int FILES = 50;
    private static final int FILE_BYTES = 4 << 20;
    private static final int MKFS_SECONDS = 60;

    private DemoImage() {}

    /** Makes the image and returns what it is, for people. */
    static String make(final Path image, final Path scratch, final long seed) throws IOException {
        final Random random = new Random(seed);
        try (FileChannel file = FileChannel.open(image, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.allocate(1), SIZE - 1);
        }
        if (hasMkfs()) {
            final Path tree = Files.createDirectory(scratch.resolve("tree"));
            for (int i = 0; i < FILES; i++) {
                writeFile(tree.resolve("file-" + i), random);
            }
            mkfs(image, tree);
            return "a sparse ext4 file system of " + (SIZE >> 20) + " MiB with " + FILES + " files of "
                    + (FILE_BYTES >> 20) + " MiB";
        }
        generate(image, random);
        return "a sparse generated image of " + (SIZE >> 20) + " MiB (mkfs.ext4 is not installed) with "
                + (((long) FILES * FILE_BYTES) >> 20) + " MiB of data";
    }

    static boolean hasMkfs() {
        return mkfsPath() != null;
    }

    private static @org.jspecify.annotations.Nullable String mkfsPath() {
        for (final String directory : List.of("/usr/sbin", "/sbin", "/usr/bin", "/usr/local/sbin")) {
            final Path path = Path.of(directory, "mkfs.ext4");
            if (Files.isExecutable(path)) {
                return path.toString();
            }
        }
        return null;
    }

    private static void mkfs(final Path image, final Path tree) throws IOException {
        final String tool = String.valueOf(mkfsPath());
        final Process process = new ProcessBuilder(
                        tool, "-q", "-F", "-d", tree.toString(), "-E", "lazy_itable_init=1", image.toString())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            if (!process.waitFor(MKFS_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
                process.destroyForcibly();
                throw new IOException(
                        tool + " " + image + " failed; is there room for 1.5 GiB in " + tree.getParent() + "?");
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
            throw new IOException("interrupted while mkfs.ext4 ran", e);
        }
    }

    private static void writeFile(final Path path, final Random random) throws IOException {
        final byte[] content = new byte[FILE_BYTES];
        random.nextBytes(content);
        try (OutputStream out = Files.newOutputStream(path, StandardOpenOption.CREATE_NEW)) {
            out.write(content);
        }
    }

    private static void generate(final Path image, final Random random) throws IOException {
        final byte[] content = new byte[FILE_BYTES];
        try (FileChannel file = FileChannel.open(image, StandardOpenOption.WRITE)) {
            final long stride = SIZE / FILES / FILE_BYTES * FILE_BYTES;
            for (int i = 0; i < FILES; i++) {
                random.nextBytes(content);
                final ByteBuffer bytes = ByteBuffer.wrap(content);
                long offset = i * stride;
                while (bytes.hasRemaining()) {
                    offset += file.write(bytes, offset);
                }
            }
        }
    }
}
