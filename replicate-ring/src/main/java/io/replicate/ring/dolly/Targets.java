package io.replicate.ring.dolly;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Opens what a configuration names as its target. */
final class Targets {
    private Targets() {}

    static StreamTarget open(final Admission admission, final DollyConfig config, final DollyOptions options)
            throws IOException {
        if (config.dummy() != null) {
            return new NullTarget();
        }
        final String name = nameOf(config, options);
        if (admission.directory()) {
            return new TarTarget(Path.of(name));
        }
        final StreamTarget plain = plain(name, config, options);
        return config.compressedIn() && !config.compressedOut() ? new GunzipTarget(plain) : plain;
    }

    /** Returns what this client writes. */
    static String nameOf(final DollyConfig config, final DollyOptions options) {
        return options.pin() == null ? config.outfile() : options.pin();
    }

    private static StreamTarget plain(final String name, final DollyConfig config, final DollyOptions options)
            throws IOException {
        if (name.equals("-") || name.equals("/-") || name.equals("/dev/stdout")) {
            return new OutputTarget("standard output", System.out);
        }
        if (name.equals("/dev/null")) {
            return new NullTarget();
        }
        final Path path = Path.of(name);
        if (config.splitOutBytes() > 0) {
            return new SplitTarget(path, config.splitOutBytes(), options.force());
        }
        if (Devices.isStream(path)) {
            return new OutputTarget(name, Files.newOutputStream(path));
        }
        if (Files.isDirectory(path)) {
            throw ReplicationException.misuse(name + ": is a directory; name a file in it");
        }
        return new FileTarget(path, options.force());
    }

    /** Forgets everything. */
    private static final class NullTarget implements StreamTarget {
        @Override
        public void write(final long offset, final io.replicate.core.block.Block block) {}

        @Override
        public void commit() {}

        @Override
        public void close() {}
    }
}
