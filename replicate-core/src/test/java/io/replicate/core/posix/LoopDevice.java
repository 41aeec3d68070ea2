package io.replicate.core.posix;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;

/** A sparse image as a block device, optionally with a file system mounted from it. Needs root. */
final class LoopDevice implements AutoCloseable {
    private final Path directory;
    private final Thread hook = new Thread(this::cleanUp);
    private String device = "";
    private boolean mounted;

    private LoopDevice(Path directory) {
        this.directory = directory;
    }

    /** Skips the calling test with a reason where loop devices are not to be had. */
    static LoopDevice attach(long sizeBytes) throws IOException {
        Commands.assumeRoot("loop devices");
        Commands.assumeTool("losetup");
        LoopDevice loop = new LoopDevice(Files.createTempDirectory("replicate-loop"));
        Runtime.getRuntime().addShutdownHook(loop.hook); // for an interrupted test run
        Path image = loop.directory.resolve("image");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(sizeBytes);
        }
        Commands.Outcome outcome = Commands.attempt("losetup", "--find", "--show", image.toString());
        if (outcome.exitCode() != 0) {
            loop.close();
            assumeTrue(false, "missing kernel feature: loop devices: " + outcome.output());
        }
        loop.device = outcome.output();
        return loop;
    }

    static LoopDevice mount(String type, long sizeBytes) throws IOException {
        Commands.assumeTool("mkfs." + type);
        LoopDevice loop = attach(sizeBytes);
        try {
            Commands.run("mkfs." + type, "-q", loop.device);
            Files.createDirectory(loop.mountPoint());
            Commands.Outcome outcome = Commands.attempt(
                    "mount", "-t", type, loop.device, loop.mountPoint().toString());
            assumeTrue(outcome.exitCode() == 0, "missing kernel feature: " + type + ": " + outcome.output());
            loop.mounted = true;
            return loop;
        } catch (IOException | RuntimeException e) {
            loop.close();
            throw e;
        }
    }

    Path device() {
        return Path.of(device);
    }

    Path mountPoint() {
        return directory.resolve("mnt");
    }

    @Override
    public void close() {
        Runtime.getRuntime().removeShutdownHook(hook);
        cleanUp();
    }

    private void cleanUp() {
        try {
            if (mounted && Commands.attempt("umount", mountPoint().toString()).exitCode() != 0) {
                Commands.attempt("umount", "--lazy", mountPoint().toString());
            }
            if (!device.isEmpty()) {
                Commands.run("losetup", "--detach", device);
            }
            Files.deleteIfExists(mountPoint());
            Files.deleteIfExists(directory.resolve("image"));
            Files.deleteIfExists(directory);
        } catch (IOException e) {
            throw new IllegalStateException("a loop device or its files are left behind: " + device, e);
        }
    }
}
