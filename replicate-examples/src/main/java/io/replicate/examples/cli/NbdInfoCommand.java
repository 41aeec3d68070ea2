package io.replicate.examples.cli;

import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Sizes;
import io.replicate.nbd.client.ExportInfo;
import io.replicate.nbd.client.NbdAddress;
import io.replicate.nbd.client.NbdClient;
import io.replicate.nbd.protocol.Nbd;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "info", header = "Show what a server says of an export.")
final class NbdInfoCommand extends AbstractCommand {
    @Parameters(index = "0", paramLabel = "URI", description = "nbd://HOST[:PORT]/EXPORT, nbds:, nbd+unix:, nbds+unix:")
    private String uri = "";

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    int run() throws Exception {
        final ExportInfo info = NbdClient.info(NbdAddress.of(Locator.parse(uri)));
        final Map<String, Object> fields = fields(info);
        if (json) {
            new JsonLines(out()).print(fields);
        } else {
            fields.forEach((key, value) -> out().println(key + ": "
                    + (key.endsWith("size")
                            ? value + " (" + Sizes.format((Long) value) + ")"
                            : Terminal.printable(String.valueOf(value)))));
        }
        return ExitCode.OK;
    }

    static Map<String, Object> fields(ExportInfo info) {
        final Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("protocol", info.protocol());
        fields.put("tls", info.tls());
        fields.put("structured", info.structured());
        fields.put("extended", info.extended());
        fields.put("export", info.name());
        fields.put("description", info.description());
        fields.put("export-size", info.sizeBytes());
        fields.put("read-only", info.readOnly());
        fields.put("rotational", info.can(Nbd.FLAG_ROTATIONAL));
        fields.put("can-flush", info.can(Nbd.FLAG_SEND_FLUSH));
        fields.put("can-fua", info.can(Nbd.FLAG_SEND_FUA));
        fields.put("can-trim", info.can(Nbd.FLAG_SEND_TRIM));
        fields.put("can-zero", info.can(Nbd.FLAG_SEND_WRITE_ZEROES));
        fields.put("can-fast-zero", info.can(Nbd.FLAG_SEND_FAST_ZERO));
        fields.put("can-cache", info.can(Nbd.FLAG_SEND_CACHE));
        fields.put("can-df", info.can(Nbd.FLAG_SEND_DF));
        fields.put("can-multi-conn", info.multiConn());
        fields.put("block-minimum", info.minBlock());
        fields.put("block-preferred", info.preferredBlock());
        fields.put("payload-maximum", info.maxPayload());
        fields.put(
                "contexts",
                info.contexts().stream().map(ExportInfo.Context::name).toList());
        return fields;
    }
}
