package io.replicate.examples.cli;

import io.replicate.core.spi.Locator;
import io.replicate.nbd.client.NbdAddress;
import io.replicate.nbd.client.NbdVolume;
import io.replicate.nbd.client.NbdVolume.StatusRun;
import io.replicate.nbd.protocol.Nbd;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "map", header = "Show which parts of an export are data, zero or holes, or dirty.")
final class NbdMapCommand extends AbstractCommand {
    @Parameters(index = "0", paramLabel = "URI", description = "nbd://HOST[:PORT]/EXPORT, nbds:, nbd+unix:, nbds+unix:")
    private String uri = "";

    @Option(
            names = "--context",
            paramLabel = "NAME",
            description = "Which metadata context, such as qemu:dirty-bitmap:NAME (default: ${DEFAULT-VALUE}).",
            defaultValue = Nbd.BASE_ALLOCATION)
    private String context = Nbd.BASE_ALLOCATION;

    @Option(names = "--json", description = "Print JSON, a line for each run.")
    private boolean json;

    @Override
    int run() throws Exception {
        final JsonLines lines = new JsonLines(out());
        try (NbdVolume volume = NbdVolume.open(NbdAddress.of(Locator.parse(uri)))) {
            final boolean unknown = context.equals(Nbd.BASE_ALLOCATION)
                    && volume.info().contexts().isEmpty();
            final List<StatusRun> runs = unknown
                    ? List.of(new StatusRun(0, volume.info().sizeBytes(), 0)) // everything may be data
                    : volume.status(context);
            for (final StatusRun run : runs) {
                if (json) {
                    final Map<String, Object> fields = new LinkedHashMap<>();
                    fields.put("offset", run.offset());
                    fields.put("length", run.length());
                    fields.put("type", run.flags());
                    fields.put("description", describe(run.flags()));
                    lines.print(fields);
                } else {
                    out().printf("%16d %16d %4d  %s%n", run.offset(), run.length(), run.flags(), describe(run.flags()));
                }
            }
        }
        return ExitCode.OK;
    }

    private String describe(long flags) {
        if (context.startsWith(Nbd.DIRTY_BITMAP)) {
            return (flags & Nbd.STATE_DIRTY) != 0 ? "dirty" : "clean";
        }
        if (!context.equals(Nbd.BASE_ALLOCATION)) {
            return "";
        }
        final boolean hole = (flags & Nbd.STATE_HOLE) != 0;
        final boolean zero = (flags & Nbd.STATE_ZERO) != 0;
        return hole ? (zero ? "hole,zero" : "hole") : zero ? "zero" : "data";
    }
}
