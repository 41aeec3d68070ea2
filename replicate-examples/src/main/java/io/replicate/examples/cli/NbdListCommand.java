package io.replicate.examples.cli;

import io.replicate.core.spi.Locator;
import io.replicate.nbd.client.NbdAddress;
import io.replicate.nbd.client.NbdClient;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(name = "list", header = "Show the exports of a server.")
final class NbdListCommand extends AbstractCommand {
    @Parameters(index = "0", paramLabel = "URI", description = "nbd://HOST[:PORT], nbds:, nbd+unix:, nbds+unix:")
    private String uri = "";

    @Option(names = "--json", description = "Print JSON, a line for each export.")
    private boolean json;

    @Override
    int run() throws Exception {
        final Map<String, String> exports = NbdClient.list(NbdAddress.of(Locator.parse(uri)));
        final JsonLines lines = new JsonLines(out());
        for (final Map.Entry<String, String> export : exports.entrySet()) {
            if (json) {
                final Map<String, Object> fields = new LinkedHashMap<>();
                fields.put("export", export.getKey());
                fields.put("description", export.getValue());
                lines.print(fields);
            } else {
                final String name = Terminal.printable(export.getKey());
                final String description = Terminal.printable(export.getValue());
                out().println((name.isEmpty() ? "\"\"" : name) + (description.isEmpty() ? "" : "\t" + description));
            }
        }
        return ExitCode.OK;
    }
}
