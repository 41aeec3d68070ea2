package io.replicate.examples.cli;

import io.replicate.cas.CasStores;
import io.replicate.cas.keep.KeepConfig;
import io.replicate.cas.keep.KeepSettings;
import io.replicate.cas.keep.KeepStore;
import io.replicate.cas.keep.Secrets;
import io.replicate.cas.keep.ServiceList;
import io.replicate.cas.store.CasStore;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Opens both sides of a keep-rsync, with the messages of the tool that it stands in for. */
final class KeepRsyncSides implements AutoCloseable {
    private static final long MAX_VALUE_BYTES = 16 << 20;
    private static final Pattern OTHER_STORE = Pattern.compile("(dir|s3):.*");

    private final CasStore source;
    private final CasStore destination;

    private KeepRsyncSides(final CasStore source, final CasStore destination) {
        this.source = source;
        this.destination = destination;
    }

    CasStore source() {
        return source;
    }

    CasStore destination() {
        return destination;
    }

    /** What the flags say of one side. */
    private record Side(
            String name,
            @Nullable String settings,
            @Nullable String services,
            @Nullable String key,
            @Nullable String token,
            Duration ttl) {

        boolean isKeep() {
            return settings != null && !OTHER_STORE.matcher(settings).matches();
        }
    }

    /**
     * Reads the settings of both sides, and opens them.
     *
     * @param cancellation stops all requests.
     */
    static KeepRsyncSides open(final KeepRsyncOptions options, final KeepRsyncLog log, final Cancellation cancellation)
            throws IOException {
        final Side src =
                new Side("src", options.src, options.srcServices, options.srcKey, options.srcToken, options.srcTtl);
        final Side dst =
                new Side("dst", options.dst, options.dstServices, options.dstKey, options.dstToken, options.dstTtl);
        final KeepConfig srcConfig = load(src, options, log);
        final KeepConfig dstConfig =
                load(dst, options, log).replication(options.replications).storageClasses(options.storageClasses);
        log.secrets(Secrets.of(srcConfig, dstConfig));
        final CasStore source = connect(src, srcConfig, cancellation);
        try {
            return new KeepRsyncSides(source, connect(dst, dstConfig, cancellation));
        } catch (final IOException | RuntimeException e) {
            source.close();
            throw e;
        }
    }

    private static KeepConfig load(final Side side, final KeepRsyncOptions options, final KeepRsyncLog log)
            throws ReplicationException {
        final KeepConfig config = new KeepConfig(side.name)
                .signatureTtl(side.ttl)
                .convention(options.rendezvous)
                .idleTimeout(options.idleTimeout)
                .connectionsPerStore(options.connectionsPerStore)
                .retries(options.retries)
                .refreshInterval(options.refresh);
        try {
            if (side.settings == null || side.settings.isEmpty()) {
                throw ReplicationException.misuse("config file not specified");
            }
            if (side.isKeep()) {
                final KeepSettings settings = KeepSettings.read(side.settings, environment());
                settings.warnings().forEach(log::warning);
                config.settings(settings);
            }
            if (side.key != null) {
                config.signingKey(valueOf(side.key));
            }
            if (side.token != null) {
                config.systemToken(valueOf(side.token));
            }
            if (side.services != null) {
                config.services(ServiceList.parseJson(valueOf(side.services)));
            }
            return config;
        } catch (final IOException e) {
            throw ReplicationException.fail(
                    "Error loading " + side.name + " configuration from file: " + e.getMessage(), e);
        }
    }

    private static Map<String, String> environment() {
        return System.getenv();
    }

    /** Returns the value itself, or what the file behind an @ holds. */
    private static String valueOf(final String value) throws IOException {
        if (!value.startsWith("@")) {
            return value.trim();
        }
        final Path file = Path.of(value.substring(1));
        try {
            if (Files.size(file) > MAX_VALUE_BYTES) {
                throw ReplicationException.misuse(file + ": larger than " + MAX_VALUE_BYTES + " bytes");
            }
            return Files.readString(file).trim();
        } catch (final NoSuchFileException e) {
            throw ReplicationException.misuse("open " + file + ": no such file or directory");
        }
    }

    private static CasStore connect(final Side side, final KeepConfig config, final Cancellation cancellation)
            throws IOException {
        final List<CasStore> opened = new ArrayList<>();
        try {
            if (!side.isKeep()) {
                return CasStores.open(Locator.parse(String.valueOf(side.settings)), cancellation);
            }
            final KeepStore store = new KeepStore(config, cancellation);
            opened.add(store);
            // What only the API server can tell is asked for now, and not when the first block needs it.
            if ("src".equals(side.name)) {
                store.client().signer();
            } else {
                store.client().replication();
            }
            opened.clear();
            return store;
        } catch (final ReplicationException e) {
            throw new ReplicationException(
                    e.category(), "Error configuring " + side.name + " keepclient: " + e.getMessage(), e);
        } finally {
            for (final CasStore store : opened) {
                store.close();
            }
        }
    }

    @Override
    public void close() throws IOException {
        try (CasStore first = source;
                CasStore second = destination) {
            // Both are closed, whatever becomes of the other.
        }
    }
}
