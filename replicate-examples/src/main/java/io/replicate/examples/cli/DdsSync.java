package io.replicate.examples.cli;

import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.StatePlace;
import io.replicate.delta.sync.LvSync;
import io.replicate.delta.sync.ProcessLvm;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@code dds --sync}. */
final class DdsSync {
    private final DdsOptions options;
    private final DdsStreams streams;

    DdsSync(final DdsOptions options, final DdsStreams streams) {
        this.options = options;
        this.streams = streams;
    }

    int run() throws IOException {
        final String[] names = DdsOptions.need(options.sourceLv, "--source-lv").split("/", -1);
        if (names.length != 2 || !names[0].matches("[A-Za-z0-9+_.-]+") || !names[1].matches("[A-Za-z0-9+_.-]+")) {
            throw ReplicationException.misuse("--source-lv " + options.sourceLv + ": expected VG/LV");
        }
        final List<Locator> targets = new ArrayList<>();
        for (final String target : options.targets) {
            targets.add(Locator.parse(target));
        }
        DdsOptions.requireApart(
                List.of(options.dev.resolve(names[0]).resolve(names[1]).toString()), options.targets, "--target");
        final Path state = options.state == null ? StatePlace.SYSTEM : options.state;
        LvSync.of(
                        new ProcessLvm(options.dev),
                        names[0],
                        names[1],
                        options.snapSize,
                        state,
                        options.state,
                        targets,
                        line -> streams.err().println("dds: " + line))
                .run();
        return ExitCode.OK;
    }
}
