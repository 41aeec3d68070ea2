package io.replicate.ring.dolly;

import java.util.ArrayList;
import java.util.List;

/** What dolly's {@code -v} says about parameters. */
public final class Narration {
    private Narration() {}

    /** Returns the echo of the parameters, as the server or a client prints it. */
    public static List<String> parameters(
            final DollyConfig config, final int me, final String myName, final DollyOptions options) {
        final Topology topology = config.topology();
        final List<Integer> children = topology.childrenOf(me);
        final List<String> lines = new ArrayList<>();
        lines.add("Parameter file: ");
        lines.add("infile = '" + config.infile() + "'");
        lines.add("outfile = '" + config.outfile() + "'");
        lines.add("using data port " + options.dataPort());
        lines.add("using ctrl port " + options.controlPort());
        lines.add("myhostname = '" + myName + "'");
        lines.add("fanout = " + config.fanout());
        lines.add("nr_childs = " + children.size());
        if (!config.server().isEmpty()) {
            lines.add("server = '" + config.server() + "'");
        }
        lines.add(me == Topology.SERVER ? "I'm the server." : "I'm not the server.");
        lines.add(children.isEmpty() ? "I'm the last host." : "I'm not the last host.");
        lines.add("There are " + config.hosts().size() + " hosts in the ring (excluding server):");
        config.hosts().forEach(host -> lines.add("\t'" + host + "'"));
        if (!children.isEmpty()) {
            lines.add("Next hosts in ring:");
            children.forEach(child -> lines.add("\t'" + config.hosts().get(child) + "' (" + child + ")"));
        }
        lines.add("All parameters read.");
        lines.add(compression(config));
        lines.add("Using transfer size " + options.blockBytes() + " bytes.");
        return lines;
    }

    private static String compression(final DollyConfig config) {
        if (config.compressedIn()) {
            return "Using compressed infile.";
        }
        return config.compressedOut() ? "Using compressed outfile." : "Using no compression.";
    }
}
