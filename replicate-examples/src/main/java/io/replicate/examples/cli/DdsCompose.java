package io.replicate.examples.cli;

import io.replicate.core.spi.Locator;
import io.replicate.delta.Compose;
import io.replicate.delta.Images;
import io.replicate.delta.cow.SnapReport;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** {@code dds --compose} and {@code --list}. */
final class DdsCompose {
    private final DdsOptions options;
    private final DdsStreams streams;
    private final boolean verbose;

    DdsCompose(final DdsOptions options, final DdsStreams streams, final boolean verbose) {
        this.options = options;
        this.streams = streams;
        this.verbose = verbose;
    }

    int compose(final List<String> names) throws IOException {
        final List<Images.Opened> files = new ArrayList<>();
        try {
            final List<Compose.Delta> deltas = new ArrayList<>();
            for (final String name : names) {
                final Images.Opened file = Images.source(Locator.parse(name));
                files.add(file);
                deltas.add(Compose.Delta.open(file, name, options.lenient));
            }
            final DdsOutlet outlet = DdsOutlet.open(options.dest.isEmpty() ? "-" : options.target(), options.force);
            try (outlet) {
                final SnapReport report = new Compose(deltas).write(outlet.channel(), options.lenient);
                outlet.commit();
                if (verbose) {
                    streams.report(report);
                }
            }
            return ExitCode.OK;
        } finally {
            for (final Images.Opened file : files) {
                file.close();
            }
        }
    }

    int list() throws IOException {
        try (DdsStreams.Opened opened = streams.input(options.cow)) {
            final String[] before = {"["};
            final SnapReport report = opened.input().list(options.lenient, (offset, length) -> {
                if (options.json) {
                    streams.out().print(before[0] + "{\"offset\":" + offset + ",\"length\":" + length + "}");
                    before[0] = ",";
                } else {
                    streams.out().println(offset + " " + length);
                }
            });
            if (options.json) {
                streams.out().println(before[0].equals("[") ? "[]" : "]");
            }
            if (verbose) {
                streams.report(report);
            }
        }
        return ExitCode.OK;
    }
}
