package io.replicate.examples.cli;

import io.replicate.nbd.protocol.Nbd;
import io.replicate.nbd.server.NbdServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Where a server listens: TCP, Unix sockets, and what a service manager has opened for it. */
final class NbdListenOptions {
    private static final int FIRST_INHERITED = 3;
    private static final int MAX_PORT = 65535;

    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec command;

    @Option(names = "--addr", paramLabel = "ADDRESS", description = "Listen on this address only (default: on all).")
    private @Nullable String address;

    @Option(names = "--port", description = "Listen on this TCP port; 0 takes a free one (default: 10809).")
    private @Nullable Integer port;

    @Option(names = "--unix", paramLabel = "PATH", description = "Listen on a Unix socket. May be repeated.")
    private List<Path> unix = new ArrayList<>();

    /** Has a server listen where it was said. */
    void listen(final NbdServer.Builder builder) throws IOException {
        final int inherited = inheritedSockets();
        for (int i = 0; i < inherited; i++) {
            builder.inherited(FIRST_INHERITED + i);
        }
        unix.forEach(builder::unix);
        if (address != null || port != null || (unix.isEmpty() && inherited == 0)) {
            final int number = port == null ? Nbd.DEFAULT_PORT : port;
            if (number < 0 || number > MAX_PORT) {
                throw new ParameterException(mixee().commandLine(), "--port must be 0 to " + MAX_PORT);
            }
            builder.tcp(
                    address == null
                            ? new InetSocketAddress(number)
                            : new InetSocketAddress(InetAddress.getByName(address), number));
        }
    }

    private CommandSpec mixee() {
        if (command == null) {
            throw new IllegalStateException("these options belong to no command");
        }
        return command;
    }

    /** Returns how many sockets a service manager has opened for this process: see sd_listen_fds(3). */
    private static int inheritedSockets() {
        final String pid = System.getenv("LISTEN_PID");
        final String count = System.getenv("LISTEN_FDS");
        final boolean ours =
                pid != null && pid.equals(Long.toString(ProcessHandle.current().pid()));
        return ours && count != null && count.matches("[0-9]{1,3}") ? Integer.parseInt(count) : 0;
    }

    /** Returns what clients call an address that a server listens on. */
    static String uri(final SocketAddress bound, final boolean tls) {
        if (bound instanceof InetSocketAddress inet) {
            final String host = inet.getAddress().getHostAddress();
            return (tls ? "nbds://" : "nbd://") + (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":"
                    + inet.getPort();
        }
        final String path = String.valueOf(bound);
        return path.isEmpty()
                ? "an inherited socket"
                : (tls ? "nbds" : "nbd") + "+unix:///?socket=" + Path.of(path).toAbsolutePath();
    }
}
