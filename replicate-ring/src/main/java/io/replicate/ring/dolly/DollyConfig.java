package io.replicate.ring.dolly;

import io.replicate.core.spi.ReplicationException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a configuration says; every node of a ring gets the same.
 *
 * @param infile what the server reads; empty with directories, and in dummy mode.
 * @param compressedIn whether the source is gzip, which clients unpack.
 * @param splitIn whether the source is a row of files {@code infile_0}, {@code infile_1}, ….
 * @param outfile what each client writes.
 * @param compressedOut whether clients store gzip.
 * @param splitOutBytes the size of each part {@code outfile_0}, …; 0 for one file.
 * @param dummy sends zeros that nobody stores; null for a real copy.
 * @param segmentBytes TCP's segment size on data connections; 0 leaves it to the kernel.
 * @param add the additional data connections of each hop.
 * @param fanout how many children a node has, 1 to 8.
 * @param hyphenNormal whether a hyphen in a host name means nothing; else what follows it names an interface.
 * @param server the server's name; empty in the modern dialect.
 * @param hosts the clients in order.
 */
public record DollyConfig(
        String infile,
        boolean compressedIn,
        boolean splitIn,
        String outfile,
        boolean compressedOut,
        long splitOutBytes,
        @Nullable Dummy dummy,
        int segmentBytes,
        AddedLinks add,
        int fanout,
        boolean hyphenNormal,
        String server,
        List<String> hosts) {

    /** The longest configuration that dolly's nodes can read. */
    public static final int MAX_WIRE_BYTES = 4095;

    /**
     * A run without files.
     *
     * @param megabytes how much is sent, in units of 1024 x 1024 bytes; 0 for as long as the server is told.
     */
    public record Dummy(long megabytes) {}

    public DollyConfig {
        hosts = List.copyOf(hosts);
    }

    /** Returns a plain chain from a file to a file. */
    public static DollyConfig of(
            final String infile, final String outfile, final String server, final List<String> hosts) {
        return new DollyConfig(
                infile, false, false, outfile, false, 0, null, 0, AddedLinks.NONE, 1, false, server, hosts);
    }

    /**
     * Reads a configuration, strictly.
     *
     * @param name of the file, for messages.
     * @throws ReplicationException MISUSE with file, line, what was expected and what was found.
     */
    public static DollyConfig parse(final String name, final byte[] text, final Dialect dialect)
            throws ReplicationException {
        return new ConfigParser(name, text, dialect).parse();
    }

    /** Returns the dialect that a configuration was written for: only the classic one names the server. */
    public static Dialect dialectOf(final byte[] text) {
        final String all = "\n" + new String(text, StandardCharsets.UTF_8);
        final boolean classic = all.contains("\nserver ")
                || all.contains("\nfirstclient ")
                || all.contains("\nlastclient ")
                || all.contains("\nclients ");
        return classic ? Dialect.CLASSIC : Dialect.MODERN;
    }

    /** Returns the configuration as dolly itself writes it for {@code -I}, {@code -O} and {@code -H}. */
    public byte[] generate(final Dialect dialect) {
        final StringBuilder text = new StringBuilder();
        text.append(compressedIn ? "compressed infile " : "infile ")
                .append(infile)
                .append('\n');
        text.append("outfile ").append(outfile).append('\n');
        if (dialect == Dialect.CLASSIC) {
            text.append("server ").append(server).append('\n');
            text.append("firstclient ").append(hosts.get(0)).append('\n');
            text.append("lastclient ").append(hosts.get(hosts.size() - 1)).append('\n');
            text.append("clients ").append(hosts.size()).append('\n');
        }
        hosts.forEach(host -> text.append(host).append('\n'));
        return text.append("endconfig\n").toString().getBytes(StandardCharsets.UTF_8);
    }

    /** Returns the tree that the clients form. */
    Topology topology() {
        return new Topology(hosts.size(), fanout);
    }
}
