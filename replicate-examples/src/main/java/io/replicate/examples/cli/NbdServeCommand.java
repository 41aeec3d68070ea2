package io.replicate.examples.cli;

import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Sizes;
import io.replicate.core.spi.Volume;
import io.replicate.nbd.control.ControlServer;
import io.replicate.nbd.protocol.NbdTls;
import io.replicate.nbd.server.AccessList;
import io.replicate.nbd.server.Export;
import io.replicate.nbd.server.NbdServer;
import io.replicate.nbd.server.ServerLimits;
import io.replicate.nbd.tls.PskTls;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

@Command(
        name = "serve",
        header = "Export files, disks and any other volume to NBD clients, until stopped.",
        description = {
            "",
            "The first export is also what clients get that name none. Without --addr, --port and --unix the server"
                    + " listens on TCP port 10809, or on the sockets of systemd socket activation (LISTEN_FDS).",
            ""
        })
final class NbdServeCommand extends AbstractCommand {
    /** Oldstyle clients are told a multiple of this. */
    private static final long OLDSTYLE_BLOCK = 512;

    private static final int MAX_STRING = 4096;

    @Parameters(
            arity = "1..*",
            paramLabel = "[NAME=]URI",
            description = "What to export: a path, or any locator, under a name. Say ./A=B for a path that contains"
                    + " '='.")
    private List<String> volumes = new ArrayList<>();

    @Option(names = "--export", paramLabel = "NAME", description = "The name of the only export.")
    private @Nullable String name;

    @Option(names = "--description", paramLabel = "TEXT", description = "Shown to clients that list the exports.")
    private String description = "";

    @Mixin
    private NbdListenOptions where = new NbdListenOptions();

    @Option(names = "--read-only", description = "Refuse writes.")
    private boolean readOnly;

    @Option(names = "--rotational", description = "Tell clients that these are rotating disks.")
    private boolean rotational;

    @Option(names = "--tls", description = "Insist on TLS; needs --tls-certificates or --tls-psk.")
    private boolean tls;

    @Option(
            names = "--tls-optional",
            description = "Speak TLS with clients that ask for it, and serve all others, too.")
    private boolean tlsOptional;

    @Option(
            names = "--tls-certificates",
            paramLabel = "DIR",
            description = "Where ca-cert.pem, server-cert.pem and server-key.pem are.")
    private @Nullable Path certificates;

    @Option(
            names = "--tls-psk",
            paramLabel = "FILE",
            description = "Pre-shared keys in place of certificates: lines NAME:HEXKEY, as psktool writes them.")
    private @Nullable Path preSharedKeys;

    @Option(names = "--tls-verify-peer", description = "Let only clients in that have a certificate of the CA.")
    private boolean verifyPeer;

    @Option(
            names = "--allow",
            paramLabel = "CIDR",
            split = ",",
            description = "Let only these addresses in, such as 192.0.2.0/24 or 2001:db8::1. May be repeated.")
    private List<String> allow = new ArrayList<>();

    @Option(names = "--default-deny", description = "Without --allow, let nobody in.")
    private boolean defaultDeny;

    @Option(names = "--no-list", description = "Do not tell clients the names of the exports.")
    private boolean noList;

    @Option(names = "--oldstyle", description = "Speak the oldstyle dialect of flexnbd, for one export.")
    private boolean oldstyle;

    @Option(
            names = "--control",
            paramLabel = "SOCKET",
            description = "Take orders for 'nbd bitmap' on this Unix socket.")
    private @Nullable Path control;

    @Option(names = "--max-clients", paramLabel = "N", description = "Serve at most so many (default: 1000).")
    private @Nullable Integer maxClients;

    @Option(
            names = "--handshake-timeout",
            paramLabel = "SECONDS",
            description = "How long a client may take to choose an export (default: ${DEFAULT-VALUE}).",
            defaultValue = "15")
    private int handshakeSeconds;

    @Option(
            names = "--client-memory",
            paramLabel = "SIZE",
            description = "What one client may have in flight (default: 16M).")
    private @Nullable String clientMemory;

    @Option(names = "--json", description = "Print the addresses as JSON when the server is ready.")
    private boolean json;

    @Override
    int run() throws Exception {
        final Deque<Volume> opened = new ArrayDeque<>();
        final CountDownLatch stop = new CountDownLatch(1);
        final CountDownLatch stopped = new CountDownLatch(1);
        final Thread hook = new Thread(() -> {
            stop.countDown();
            awaitQuietly(stopped);
        });
        try {
            try (NbdServer server = builder(opened).start();
                    ControlServer orders = control == null ? null : ControlServer.start(server, control)) {
                ready(server);
                Runtime.getRuntime().addShutdownHook(hook);
                stop.await();
            }
        } finally {
            while (!opened.isEmpty()) {
                opened.pop().close();
            }
            stopped.countDown();
        }
        return ExitCode.OK;
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void ready(NbdServer server) throws IOException {
        final List<String> addresses = server.addresses().stream()
                .map(bound -> NbdListenOptions.uri(bound, tls))
                .toList();
        if (json) {
            new JsonLines(out())
                    .print(Map.of(
                            "listening",
                            addresses,
                            "exports",
                            server.exports().stream().map(Export::name).toList()));
        }
        for (final Export export : server.exports()) {
            final long served = oldstyle ? export.sizeBytes() & -OLDSTYLE_BLOCK : export.sizeBytes();
            final long behind = export.volume().geometry().sizeBytes() - served;
            err().println("nbd: serving " + export + ", " + served + " bytes"
                    + (export.isReadOnly() ? ", read-only" : "")
                    + (behind > 0 ? "; the last " + behind + " bytes are less than a block and not served" : ""));
        }
        addresses.forEach(a -> err().println("nbd: listening on " + a));
        err().flush();
    }

    private NbdServer.Builder builder(Deque<Volume> opened) throws IOException {
        final NbdServer.Builder builder = NbdServer.builder().access(AccessList.of(allow, defaultDeny));
        where.listen(builder);
        if (tls || tlsOptional) {
            if (oldstyle) {
                throw usage("--oldstyle knows no TLS");
            }
            encrypt(builder);
        } else if (certificates != null || preSharedKeys != null || verifyPeer) {
            throw usage("--tls-certificates, --tls-psk and --tls-verify-peer need --tls or --tls-optional");
        }
        if (oldstyle) {
            builder.oldstyle();
        }
        if (noList) {
            builder.hideExports();
        }
        builder.limits(limits());
        if (description.getBytes(StandardCharsets.UTF_8).length > MAX_STRING) {
            throw usage("--description must be at most " + MAX_STRING + " bytes");
        }
        if (volumes.size() > 1 && (name != null || oldstyle)) {
            throw usage((oldstyle ? "--oldstyle" : "--export") + " is for a single export");
        }
        for (final String text : volumes) {
            builder.export(export(text, opened));
        }
        return builder;
    }

    private void encrypt(NbdServer.Builder builder) throws IOException {
        if (certificates != null && preSharedKeys == null) {
            builder.tls(NbdTls.server(certificates, verifyPeer), tls);
        } else if (preSharedKeys == null || certificates != null) {
            throw usage("TLS needs --tls-certificates DIR or --tls-psk FILE, and one of them only");
        } else if (verifyPeer) {
            throw usage("--tls-verify-peer is for certificates; whoever has a pre-shared key has shown it");
        } else {
            builder.tls(PskTls.server(preSharedKeys), tls);
        }
    }

    private ParameterException usage(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    private ServerLimits limits() throws ReplicationException {
        if (handshakeSeconds < 1) {
            throw usage("--handshake-timeout must be at least 1");
        }
        if (maxClients != null && maxClients < 1) {
            throw usage("--max-clients must be at least 1");
        }
        ServerLimits limits = ServerLimits.defaults().handshake(Duration.ofSeconds(handshakeSeconds));
        limits = limits.clients(maxClients == null ? (oldstyle ? 16 : limits.clients()) : maxClients);
        if (clientMemory != null) {
            final long bytes = Sizes.parse("--client-memory", clientMemory);
            if (bytes < 1 << 16 || bytes > 1 << 30) {
                throw usage("--client-memory must be 64K to 1G");
            }
            limits = limits.clientMemory(bytes);
        }
        return limits;
    }

    private Export export(String text, Deque<Volume> opened) throws IOException {
        final NamedVolume named = NamedVolume.parse(text);
        final Volume volume = named.open(readOnly);
        opened.push(volume);
        final String exportName = name != null ? name : named.name();
        Export export = Export.of(exportName, volume).description(description);
        if (readOnly) {
            export = export.readOnly();
        }
        return rotational ? export.rotational() : export;
    }
}
