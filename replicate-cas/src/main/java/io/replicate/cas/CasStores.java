package io.replicate.cas;

import io.replicate.cas.dir.DirStore;
import io.replicate.cas.keep.KeepConfig;
import io.replicate.cas.keep.KeepSettings;
import io.replicate.cas.keep.KeepStore;
import io.replicate.cas.s3.S3Stores;
import io.replicate.cas.store.CasStore;
import io.replicate.cas.store.Contents;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;

/**
 * Opens stores by locator:
 *
 * <ul>
 *   <li>{@code keep:NAME} or {@code keep:/path/to/settings.conf}: a Keep cluster;
 *   <li>{@code dir:/path?digest=md5|sha-256}: a directory;
 *   <li>{@code s3://bucket/prefix?endpoint=URL&region=NAME&path-style=true}: objects in a bucket.
 * </ul>
 */
public final class CasStores {
    /** The schemes of locators that name a store. */
    public static final Set<String> SCHEMES = Set.of("keep", "dir", "s3");

    private CasStores() {}

    /**
     * Opens a store.
     *
     * @param cancellation stops its requests.
     */
    public static CasStore open(final Locator locator, final Cancellation cancellation) throws IOException {
        return switch (locator.scheme()) {
            case "keep" -> keep(locator, cancellation);
            case "dir" -> dir(locator);
            case "s3" -> S3Stores.open(locator);
            default ->
                throw ReplicationException.misuse("locator '" + locator + "': no store of contents (keep:, dir:, s3:)");
        };
    }

    private static CasStore keep(final Locator locator, final Cancellation cancellation) throws IOException {
        locator.allowOnly();
        final KeepSettings settings = KeepSettings.read(locator.rest(), System.getenv());
        return new KeepStore(new KeepConfig(locator.rest()).settings(settings), cancellation);
    }

    private static CasStore dir(final Locator locator) throws IOException {
        locator.allowOnly("digest");
        return new DirStore(Path.of(locator.rest()), Contents.algorithm(locator));
    }
}
