package io.replicate.examples.cli;

import io.replicate.core.spi.ReplicationException;
import io.replicate.ring.dolly.AddedLinks;
import io.replicate.ring.dolly.Dialect;
import io.replicate.ring.dolly.DollyConfig;
import io.replicate.ring.dolly.DollyListener;
import io.replicate.ring.dolly.DollyOptions;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The options of both generations of dolly, in any order, and ours. */
final class DollyFlags {
    private static final int MAX_CONFIG_BYTES = 64 << 10;
    private static final int DEFAULT_START_SECONDS = 60;
    private static final int DEFAULT_IDLE_SECONDS = 30;
    private static final int DEFAULT_FINISH_SECONDS = 120;

    @Option(names = "-s", description = "Be the server; -I, -O, -H, -D and -S imply it.")
    boolean server;

    @Option(names = "-S", paramLabel = "NAME", description = "Be the server, by this name.")
    @Nullable
    String serverName;

    @Option(names = "-v", description = "Say what happens.")
    boolean verbose;

    @Option(names = "-f", paramLabel = "FILE", description = "Take the parameters from a configuration file.")
    @Nullable
    Path configFile;

    @Option(names = "-I", paramLabel = "FILE", description = "What the server sends: a file, a device, - for stdin.")
    @Nullable
    String infile;

    @Option(names = "-O", paramLabel = "FILE", description = "What each client writes (default: as -I); - for stdout.")
    @Nullable
    String outfile;

    @Option(names = "-H", paramLabel = "HOST,HOST", description = "The clients, in the order of the ring.")
    @Nullable
    String hosts;

    @Option(names = "-o", paramLabel = "FILE", description = "Append statistics to a file.")
    @Nullable
    Path statistics;

    @Option(
            names = "-a",
            paramLabel = "SECONDS",
            description =
                    "Give up when any step stands still for so long, unless a timeout below says otherwise; a client"
                            + " also when no server comes.")
    int timeoutSeconds;

    @Option(
            names = "-r",
            paramLabel = "N",
            defaultValue = "10",
            description = "How often to try a connection that fails; one that is refused is tried until the timeout.")
    int tries;

    @Option(
            names = "-n",
            description = "Do not sync(2) the whole machine: we never do. What is written is always fsynced.")
    boolean noSync;

    @Option(names = "-q", description = "No warnings on the way; the result says everything.")
    boolean quiet;

    @Option(names = "-d", description = "Wake the clients through systemd (port 9996).")
    boolean wake;

    @Option(
            names = {"-R", "-4"},
            description = "Turn the names of -H into IPv4 addresses.")
    boolean resolve4;

    @Option(names = "-6", description = "Turn the names of -H into IPv6 addresses.")
    boolean resolve6;

    @Option(
            names = "-Y",
            arity = "0..1",
            paramLabel = "X",
            fallbackValue = "",
            description = "A hyphen in a name is a normal character (dolly wants a value with it, which is ignored).")
    @Nullable
    String hyphenNormal;

    @Option(
            names = "-c",
            paramLabel = "SIZE",
            description = "The source is gzip, and has so many bytes when it is unpacked (for the statistics).")
    @Nullable
    String uncompressed;

    @Option(
            names = "-b",
            paramLabel = "BYTES",
            defaultValue = "4096",
            description = "The transfer size: the unit in which added links take turns, the same on all nodes.")
    int blockBytes;

    @Option(names = "-u", paramLabel = "BYTES", description = "Socket buffers of the data connections.")
    int bufferBytes;

    @Option(names = "-t", paramLabel = "SECONDS", description = "How long a dummy run lasts.")
    int dummySeconds;

    @Option(names = "-D", paramLabel = "DIR,DIR", description = "Send directories as a tar stream; -O names where to.")
    @Nullable
    String directories;

    @Option(names = "-X", paramLabel = "PATTERN,…", description = "Leave this out of the directories; /proc always is.")
    @Nullable
    String excludes;

    @Option(names = "-P", paramLabel = "PASSWORD", description = "The password that all nodes share.")
    @Nullable
    String password;

    @Option(names = "-K", paramLabel = "HOST,HOST", description = "End clients that wait for a server.")
    @Nullable
    String kill;

    @Option(
            names = "-V",
            arity = "0..1",
            fallbackValue = "true",
            hideParamSyntax = true,
            description = "Show the version.")
    @Nullable
    String version;

    @Option(
            names = "--dialect",
            paramLabel = "classic|modern",
            description = "What a server speaks: dolly 0.6x (default), or 0.70 and later (default with -D, -X, -P, and"
                    + " a configuration of that generation). A client hears it.")
    private @Nullable Dialect dialect;

    @Option(names = "--data-port", defaultValue = "9998", description = "Default: ${DEFAULT-VALUE}.")
    int dataPort;

    @Option(names = "--ctrl-port", defaultValue = "9997", description = "Default: ${DEFAULT-VALUE}.")
    int controlPort;

    @Option(
            names = "--wake-port",
            defaultValue = "9996",
            description = "Where systemd listens on the clients, for -d (default: ${DEFAULT-VALUE}).")
    int wakePort;

    @Option(
            names = "--bind",
            paramLabel = "ADDRESS",
            defaultValue = "",
            description = "The only address that a client listens at, and is known by.")
    String bind = "";

    @Option(names = "--target", paramLabel = "PATH", description = "What this client writes, whatever the server says.")
    @Nullable
    String target;

    @Option(names = "--force", description = "Overwrite a mounted device, or the parts of an older split copy.")
    boolean force;

    @Option(
            names = "--start-timeout",
            paramLabel = "SECONDS",
            description = "How long a step of building the ring may take, the rest of the ring and the first data"
                    + " twice as long (default: -a, or 60).")
    @Nullable
    Integer startSeconds;

    @Option(
            names = "--idle-timeout",
            paramLabel = "SECONDS",
            description = "How long data may stand still (default: -a, or 30).")
    @Nullable
    Integer idleSeconds;

    @Option(
            names = "--finish-timeout",
            paramLabel = "SECONDS",
            description = "How long clients may take to store the rest (default: -a, or 120).")
    @Nullable
    Integer finishSeconds;

    @Option(names = "--mutual", description = "With -P: only obey a server that proves the password too (no old one).")
    boolean mutual;

    @Option(names = "--plain", description = "Use dolly's protocol only, also between nodes of ours.")
    boolean plain;

    @Option(names = "--no-kill", description = "Without -P: do not end because of somebody's -K.")
    boolean noKill;

    boolean isServer() {
        return server
                || serverName != null
                || infile != null
                || outfile != null
                || hosts != null
                || directories != null;
    }

    /** Refuses what does not go together. */
    void check(final CommandLine line) {
        final boolean described = infile != null || outfile != null || hosts != null || directories != null;
        if (configFile != null && !isServer()) {
            throw new ParameterException(line, "-f is for the server: add -s");
        }
        if (configFile != null && described) {
            throw new ParameterException(line, "give either -f, or -I (or -D), -O and -H");
        }
        if (isServer() && configFile == null) {
            requireDescription(line);
        }
        if (resolve4 && resolve6) {
            throw new ParameterException(line, "give either -4 or -6");
        }
        if (excludes != null && directories == null && configFile == null) {
            throw new ParameterException(line, "-X is for directories: add -D");
        }
        positive(line, "-r", tries);
        positive(line, "-b", blockBytes);
        positive(line, "--start-timeout", startSeconds == null ? 1 : startSeconds);
        positive(line, "--idle-timeout", idleSeconds == null ? 1 : idleSeconds);
        positive(line, "--finish-timeout", finishSeconds == null ? 1 : finishSeconds);
        if (timeoutSeconds < 0 || dummySeconds < 0 || bufferBytes < 0) {
            throw new ParameterException(line, "-a, -t and -u are not negative");
        }
        if (password != null && password.isEmpty()) {
            throw new ParameterException(line, "-P is empty: give a password, or leave -P out");
        }
        if (kill != null && list(kill).isEmpty()) {
            throw new ParameterException(line, "-K names nobody: -K HOST,HOST");
        }
        if (mutual && password == null) {
            throw new ParameterException(line, "--mutual is about the password: add -P");
        }
    }

    private void requireDescription(final CommandLine line) {
        if (infile == null && directories == null) {
            throw new ParameterException(line, "a server needs -f FILE, or -I FILE (or -D DIR), and -H HOST,HOST");
        }
        if (infile != null && directories != null) {
            throw new ParameterException(line, "give either -I or -D");
        }
        if (hosts == null || list(hosts).isEmpty()) {
            throw new ParameterException(line, "a server needs its clients: -H HOST,HOST");
        }
        if (outfile == null && (directories != null || "-".equals(infile) || "/dev/stdin".equals(infile))) {
            throw new ParameterException(line, "say with -O where to write");
        }
    }

    private static void positive(final CommandLine line, final String name, final int value) {
        if (value < 1) {
            throw new ParameterException(line, name + " is at least 1");
        }
    }

    /** Refuses, before anything is sent, a file for the statistics that cannot be written afterwards. */
    void requireStatisticsPlace() throws ReplicationException {
        if (statistics == null) {
            return;
        }
        final Path place = statistics.toAbsolutePath();
        final @Nullable Path parent = place.getParent();
        final boolean writable = Files.exists(place)
                ? !Files.isDirectory(place) && Files.isWritable(place)
                : parent != null && Files.isDirectory(parent) && Files.isWritable(parent);
        if (!writable) {
            throw ReplicationException.misuse(statistics + ": cannot be written (-o)");
        }
    }

    static List<String> list(final String text) {
        final List<String> all = new ArrayList<>();
        for (final String part : text.split(",", -1)) {
            if (!part.isBlank()) {
                all.add(part.strip());
            }
        }
        return all;
    }

    static byte[] read(final Path file) throws IOException {
        final byte[] text;
        try {
            text = Files.readAllBytes(file);
        } catch (final NoSuchFileException e) {
            throw ReplicationException.misuse(file + ": no such configuration file");
        } catch (final IOException e) {
            throw ReplicationException.misuse(
                    file + ": cannot be read as a configuration file (" + e.getMessage() + ")");
        }
        if (text.length > MAX_CONFIG_BYTES) {
            throw ReplicationException.misuse(file + ": has " + text.length + " bytes, no configuration is so long");
        }
        return text;
    }

    /** Returns what to speak: what was asked for, else what the other options or the configuration belong to. */
    Dialect dialect(final byte @Nullable [] text) throws ReplicationException {
        final boolean modernOnly = directories != null || excludes != null || password != null;
        if (dialect == Dialect.CLASSIC && modernOnly) {
            throw ReplicationException.misuse("-D, -X and -P are of dolly 0.70 and later: use --dialect modern");
        }
        if (dialect != null) {
            return dialect;
        }
        if (modernOnly) {
            return Dialect.MODERN;
        }
        return text == null ? Dialect.CLASSIC : DollyConfig.dialectOf(text);
    }

    /** Returns the configuration that the options describe. */
    DollyConfig config(final Dialect spoken) throws ReplicationException {
        if (uncompressed != null && spoken == Dialect.MODERN) {
            throw ReplicationException.misuse("-c is of dolly 0.6x: use --dialect classic");
        }
        final String source = infile == null ? "" : infile;
        String target = outfile == null ? source : outfile;
        if (spoken == Dialect.MODERN && !target.startsWith("/") && !target.equals("-")) {
            target = "/" + target; // as dolly 0.70 does: a client has no other place to begin at
        }
        final List<String> names = new ArrayList<>();
        for (final String host : list(String.valueOf(hosts))) {
            names.add(resolve4 || resolve6 ? resolve(host) : host);
        }
        final DollyConfig config = new DollyConfig(
                source,
                uncompressed != null,
                false,
                target,
                false,
                0,
                null,
                0,
                noLinks(),
                1,
                hyphenNormal != null,
                spoken == Dialect.CLASSIC ? serverName(null) : "",
                names);
        return DollyConfig.parse("command line", text(config, spoken), spoken); // the same rules as for a file
    }

    private static AddedLinks noLinks() {
        return new AddedLinks(0, List.of(), false);
    }

    /** Returns the text of what {@link #config(Dialect)} has made. */
    byte[] text(final DollyConfig config, final Dialect spoken) {
        return config.generate(spoken);
    }

    /** Refuses a server's name that is not the configuration's. */
    void requireServer(final DollyConfig config) throws ReplicationException {
        if (serverName != null && !config.server().isEmpty() && !config.server().equals(serverName)) {
            throw ReplicationException.misuse("Commandline parameter -S and config-file disagree on server: '"
                    + serverName + "' and '" + config.server() + "' (" + configFile + ")");
        }
    }

    String serverName(final @Nullable DollyConfig config) {
        if (serverName != null) {
            return serverName;
        }
        if (config != null && !config.server().isEmpty()) {
            return config.server();
        }
        for (final String variable : new String[] {"MYNODENAME", "HOST", "HOSTNAME"}) {
            final @Nullable String value = System.getenv(variable);
            if (value != null && !value.isBlank()) {
                return value.strip();
            }
        }
        try {
            return Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
        } catch (final IOException e) {
            return "localhost";
        }
    }

    private String resolve(final String host) throws ReplicationException {
        try {
            for (final InetAddress address : InetAddress.getAllByName(host)) {
                if (address instanceof Inet4Address == resolve4) {
                    return address.getHostAddress();
                }
            }
        } catch (final UnknownHostException e) {
            throw ReplicationException.misuse("unknown host '" + host + "'");
        }
        throw ReplicationException.misuse("host '" + host + "' has no " + (resolve4 ? "IPv4" : "IPv6") + " address");
    }

    private Duration wait(final @Nullable Integer given, final int otherwise) {
        if (given != null) {
            return Duration.ofSeconds(given);
        }
        return Duration.ofSeconds(timeoutSeconds > 0 ? timeoutSeconds : otherwise);
    }

    DollyOptions options(final Dialect spoken, final DollyListener listener) {
        return DollyOptions.builder()
                .dialect(spoken)
                .ports(dataPort, controlPort)
                .wakePort(wakePort)
                .bind(bind)
                .password(password)
                .mutual(mutual)
                .extended(!plain)
                .killable(!noKill)
                .waitForServer(Duration.ofSeconds(timeoutSeconds))
                .waits(
                        wait(startSeconds, DEFAULT_START_SECONDS),
                        wait(idleSeconds, DEFAULT_IDLE_SECONDS),
                        wait(finishSeconds, DEFAULT_FINISH_SECONDS))
                .tries(tries)
                .blockBytes(blockBytes)
                .socketBufferBytes(bufferBytes)
                .hyphenNormal(hyphenNormal != null)
                .pin(target)
                .force(force)
                .resolver(host -> resolve4 || resolve6 ? resolve(host) : host)
                .listener(listener)
                .build();
    }
}
