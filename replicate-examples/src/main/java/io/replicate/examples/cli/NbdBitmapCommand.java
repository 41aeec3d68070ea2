package io.replicate.examples.cli;

import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Sizes;
import io.replicate.nbd.bitmap.DirtyBitmap;
import io.replicate.nbd.control.ControlClient;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

@Command(
        name = "bitmap",
        header = "Keep the dirty bitmaps of a running server.",
        description = {
            "",
            "A bitmap remembers what is written from its 'add' or last 'clear' on. Clients read it as the metadata"
                    + " context qemu:dirty-bitmap:NAME.",
            ""
        })
final class NbdBitmapCommand extends AbstractCommand {
    /** What to do. */
    enum Action {
        LIST,
        ADD,
        CLEAR,
        REMOVE
    }

    @Parameters(index = "0", paramLabel = "ACTION", description = "One of ${COMPLETION-CANDIDATES}.")
    private Action action = Action.LIST;

    @Parameters(index = "1", arity = "0..1", paramLabel = "NAME", description = "The bitmap (not for LIST).")
    private @Nullable String name;

    @Option(
            names = "--control",
            required = true,
            paramLabel = "SOCKET",
            description = "The control socket of 'nbd serve --control SOCKET'.")
    private Path control = Path.of("");

    @Option(names = "--export", paramLabel = "NAME", description = "Which export (default: the first).")
    private String export = "";

    @Option(
            names = "--granularity",
            paramLabel = "SIZE",
            description = "What one bit stands for, a power of two (default: 64K).")
    private @Nullable String granularity;

    @Option(names = "--json", description = "Print JSON, a line for each bitmap.")
    private boolean json;

    @Override
    int run() throws Exception {
        final ControlClient server = new ControlClient(control);
        if (granularity != null && action != Action.ADD) {
            throw new ParameterException(spec.commandLine(), "--granularity is for 'add'");
        }
        if (action == Action.LIST) {
            list(server);
            return ExitCode.OK;
        }
        if (name == null) {
            throw new ParameterException(spec.commandLine(), "which bitmap? give its name");
        }
        switch (action) {
            case ADD -> server.add(export, name, granularity());
            case CLEAR -> server.clear(export, name);
            default -> server.remove(export, name);
        }
        if (json) {
            new JsonLines(out()).print(Map.of("bitmap", name, "done", true));
        }
        return ExitCode.OK;
    }

    private int granularity() throws ReplicationException {
        final long bytes =
                granularity == null ? DirtyBitmap.DEFAULT_GRANULARITY : Sizes.parse("--granularity", granularity);
        if (bytes < 1 || bytes > 1 << 30) {
            throw new ParameterException(spec.commandLine(), "--granularity must be 512 to 1G");
        }
        return (int) bytes;
    }

    private void list(ControlClient server) throws Exception {
        final JsonLines lines = new JsonLines(out());
        for (final ControlClient.Bitmap bitmap : server.list()) {
            if (json) {
                final Map<String, Object> fields = new LinkedHashMap<>();
                fields.put("export", bitmap.export());
                fields.put("bitmap", bitmap.name());
                fields.put("granularity", bitmap.granularity());
                fields.put("dirty-bytes", bitmap.dirtyBytes());
                lines.print(fields);
            } else {
                out().printf(
                                "%s\t%s\tgranularity %d\tdirty %d%n",
                                bitmap.export().isEmpty() ? "\"\"" : bitmap.export(),
                                bitmap.name(),
                                bitmap.granularity(),
                                bitmap.dirtyBytes());
            }
        }
    }
}
