package io.replicate.examples.cli;

import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Listener;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.Transport;
import io.replicate.delta.Images;
import io.replicate.delta.ServedImage;
import io.replicate.delta.Targets;
import io.replicate.delta.apply.MergeOptions;
import io.replicate.delta.peer.DeltaServer;
import java.io.IOException;

/** {@code dds --serve}. */
final class DdsServe {
    private final DdsOptions options;
    private final DdsStreams streams;

    DdsServe(final DdsOptions options, final DdsStreams streams) {
        this.options = options;
        this.streams = streams;
    }

    int serve(final String image) throws IOException {
        final Cancellation cancellation = new Cancellation();
        final MergeOptions merge = new MergeOptions(
                options.lenient, options.anyBase, options.undo, !options.noReflink, false, cancellation);
        final Locator locator = Locator.parse(image);
        final Locator listen = Locator.parse(options.listen);
        try (ServedImage served = options.readOnly
                        ? ServedImage.source(Images.source(locator), options.throttle(), cancellation)
                        : ServedImage.target(
                                Targets.open(locator, options.state, options.force),
                                merge,
                                options.throttle(),
                                options.recorded);
                Transport transport = Providers.transport(listen);
                Listener listener = transport.listen(listen)) {
            try (StopSignal signal = StopSignal.listen()) {
                signal.then(cancellation::cancel);
                streams.out().println("serving " + image + " at " + listener.local());
                new DeltaServer(served, cancellation).run(listener);
            }
        }
        return ExitCode.OK;
    }
}
