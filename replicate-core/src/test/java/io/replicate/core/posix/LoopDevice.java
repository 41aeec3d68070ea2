package io.replicate.core.posix;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A sparse image as a block device. Needs root. */
public final class LoopDevice implements AutoCloseable {
    private final Path image;
    private final Path device;
    private final Thread hook = new Thread(this::cleanUp);

    private LoopDevice(Path image, Path device) {
        this.image = image;
        this.device = device;
        Runtime.getRuntime().addShutdownHook(hook); // for a test run that is interrupted
    }

    /** Skips the calling test with a reason where loop devices are not to be had. */
    public static LoopDevice attach(long sizeBytes) throws IOException {
        Commands.assumeRoot("loop devices");
        Commands.assumeTool("losetup");
        Path image = Commands.sparseImage(sizeBytes);
        Commands.Outcome outcome = Commands.attempt("losetup", "--find", "--show", image.toString());
        if (outcome.exitCode() != 0) {
            Files.delete(image);
            assumeTrue(false, "missing kernel feature: loop devices: " + outcome.output());
        }
        return new LoopDevice(image, Path.of(outcome.output()));
    }

    public Path image() {
        return image;
    }

    public Path path() {
        return device;
    }

    @Override
    public void close() {
        Runtime.getRuntime().removeShutdownHook(hook);
        cleanUp();
    }

    private void cleanUp() {
        try {
            Files.deleteIfExists(image);
            Commands.run("losetup", "--detach", device.toString());
        } catch (IOException e) {
            throw new IllegalStateException("left behind: " + device, e);
        }
    }
}
