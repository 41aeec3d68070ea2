package io.replicate.nbd.server;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.memory.MemoryVolume;
import io.replicate.core.spi.ReplicationException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Why a server cannot listen is said in the system's words, not in those of the library that asked it. */
@Timeout(240)
class ListenTest {
    @TempDir
    Path dir;

    @Test
    void aPortInUseIsCalledThat() throws Exception {
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            final var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), other.getLocalPort());
            assertThatThrownBy(() -> server().tcp(address).start())
                    .isInstanceOf(ReplicationException.class)
                    .hasMessageEndingWith(other.getLocalPort() + ": Address already in use");
        }
    }

    @Test
    void aDirectoryThatIsMissingIsCalledThat() {
        final Path path = dir.resolve("missing").resolve("socket");
        assertThatThrownBy(() -> server().unix(path).start())
                .isInstanceOf(ReplicationException.class)
                .hasMessage("cannot listen on " + path + ": No such file or directory");
    }

    private static NbdServer.Builder server() throws ReplicationException {
        return NbdServer.builder().export(Export.of("", new MemoryVolume("disk", 4096)));
    }
}
