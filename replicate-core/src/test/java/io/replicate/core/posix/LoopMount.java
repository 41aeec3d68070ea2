package io.replicate.core.posix;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A new file system in a sparse image, mounted; its loop device goes with the mount. Needs root. */
public final class LoopMount implements AutoCloseable {
    private final Path image;
    private final Path mountPoint;
    private final Thread hook = new Thread(this::cleanUp);

    private LoopMount(Path image, Path mountPoint) {
        this.image = image;
        this.mountPoint = mountPoint;
        Runtime.getRuntime().addShutdownHook(hook); // for a test run that is interrupted
    }

    /** Skips the calling test with a reason where such a file system cannot be made or mounted. */
    public static LoopMount mount(String type, long sizeBytes) throws IOException {
        Commands.assumeRoot("mounting");
        Commands.assumeTool("mkfs." + type);
        Path image = Commands.sparseImage(sizeBytes);
        Path mountPoint = Files.createTempDirectory("replicate-test-");
        Commands.run("mkfs." + type, "-q", image.toString());
        Commands.Outcome outcome =
                Commands.attempt("mount", "-t", type, "-o", "loop", image.toString(), mountPoint.toString());
        if (outcome.exitCode() != 0) {
            Files.delete(image);
            Files.delete(mountPoint);
            assumeTrue(false, "missing kernel feature: " + type + " in a loop device: " + outcome.output());
        }
        return new LoopMount(image, mountPoint);
    }

    public Path path() {
        return mountPoint;
    }

    @Override
    public void close() {
        Runtime.getRuntime().removeShutdownHook(hook);
        cleanUp();
    }

    private void cleanUp() {
        try {
            Files.deleteIfExists(image);
            if (Commands.attempt("umount", mountPoint.toString()).exitCode() != 0) {
                Commands.run("umount", "--lazy", mountPoint.toString()); // a failed test may have left files open
            }
            Files.delete(mountPoint);
        } catch (IOException e) {
            throw new IllegalStateException("left behind: " + mountPoint, e);
        }
    }
}
