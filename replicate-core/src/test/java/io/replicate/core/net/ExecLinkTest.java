package io.replicate.core.net;

import io.replicate.core.contract.LinkContract;
import io.replicate.core.posix.Fd;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Posix;
import io.replicate.core.spi.Link;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Peer;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.Transport;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.io.TempDir;

/** A child process whose pipes lead back to this process, through two named pipes. */
class ExecLinkTest extends LinkContract {

    @TempDir
    Path directory;

    @Override
    protected Pair newPair() throws Exception {
        final Path there = directory.resolve("there");
        final Path back = directory.resolve("back");
        if (new ProcessBuilder("mkfifo", there.toString(), back.toString())
                        .start()
                        .waitFor()
                != 0) {
            throw new IllegalStateException("mkfifo failed");
        }
        final Posix posix = Posix.get();
        final Locator command = Locator.parse("exec:sh -c 'cat <" + back + " & exec cat >" + there + "'");
        try (Transport transport = Providers.transport(command)) {
            final Link near = transport.connect(command, Duration.ofSeconds(20));
            // Open blocks until the other end is there; from then on the link does not block.
            final Fd output = Fd.open(posix, back.toString(), Linux.O_WRONLY, 0);
            final Fd input = Fd.open(posix, there.toString(), Linux.O_RDONLY, 0);
            for (final Fd fd : new Fd[] {output, input}) {
                final int number = fd.acquire();
                posix.fcntl(number, Linux.F_SETFL, posix.fcntl(number, Linux.F_GETFL, 0) | Linux.O_NONBLOCK);
                fd.release();
            }
            return new Pair(near, new PipeLink(posix, input, output, Peer.anonymous("child")));
        }
    }
}
