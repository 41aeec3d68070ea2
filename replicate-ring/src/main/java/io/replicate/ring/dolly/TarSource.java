package io.replicate.ring.dolly;

import io.replicate.core.net.SharedSecret;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Directories as a tar stream with absolute names; tar's exit status counts. */
final class TarSource implements StreamSource {
    private static final long EXIT_WAIT_SECONDS = 60;
    private static final int TAR_CHANGED = 1;

    private final Process tar;
    private final InputSource output;

    TarSource(final List<String> directories, final List<String> excludes, final DollyListener listener)
            throws IOException {
        final List<String> command = new ArrayList<>(List.of("tar", "-Pcf", "-", "--exclude", "/proc"));
        for (final String exclude : excludes) {
            command.add("--exclude");
            command.add(exclude);
        }
        for (final String directory : directories) {
            if (!Files.isDirectory(Path.of(directory))) {
                throw ReplicationException.misuse(directory + ": no such directory");
            }
        }
        command.add("--");
        command.addAll(directories);
        tar = SharedSecret.keepFrom(new ProcessBuilder(command))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        tar.getOutputStream().close();
        output = new InputSource("tar", tar.getInputStream(), () -> check(listener));
    }

    private void check(final DollyListener listener) throws IOException {
        final int status;
        try {
            status = tar.waitFor(EXIT_WAIT_SECONDS, TimeUnit.SECONDS) ? tar.exitValue() : -1;
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "interrupted", e);
        }
        if (status == TAR_CHANGED) {
            listener.warning("tar: some files changed while they were read");
        } else if (status != 0) {
            throw ReplicationException.fail("tar failed with status " + status + ": not all files were read", null);
        }
    }

    @Override
    public boolean read(final io.replicate.core.block.Block into, final int most) throws IOException {
        return output.read(into, most);
    }

    @Override
    public void close() throws IOException {
        tar.destroy();
        output.close();
    }
}
