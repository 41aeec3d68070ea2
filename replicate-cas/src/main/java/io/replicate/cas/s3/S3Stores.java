package io.replicate.cas.s3;

import io.replicate.cas.store.Contents;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.net.URI;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;

/** Opens stores in buckets by their locators. */
public final class S3Stores {
    private S3Stores() {}

    /**
     * Opens {@code s3://bucket/prefix?endpoint=URL&region=NAME&path-style=true&digest=md5}; the credentials are those that
     * the SDK finds (environment, {@code ~/.aws}, instance).
     */
    public static S3Store open(final Locator locator) throws IOException {
        locator.allowOnly("endpoint", "region", "path-style", "digest");
        final String bucket = locator.authority();
        if (bucket.isEmpty()) {
            throw ReplicationException.misuse("locator '" + locator + "': expected s3://BUCKET/PREFIX");
        }
        final String path = locator.rest().substring(2 + bucket.length()).replaceFirst("^/", "");
        final Digest.Algorithm algorithm = Contents.algorithm(locator);
        try {
            final S3ClientBuilder builder = S3Client.builder()
                    .httpClientBuilder(UrlConnectionHttpClient.builder())
                    .region(Region.of(locator.parameter("region").orElse("us-east-1")))
                    .forcePathStyle(locator.flag("path-style"))
                    // Content-MD5 is understood by every server; checksums in trailers are not.
                    .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                    .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED);
            if (locator.parameter("endpoint").isPresent()) {
                builder.endpointOverride(
                        URI.create(locator.parameter("endpoint").get()));
            }
            return new S3Store(
                    builder.build(), bucket, path.isEmpty() || path.endsWith("/") ? path : path + "/", algorithm);
        } catch (final IllegalArgumentException | SdkException e) {
            throw ReplicationException.misuse("locator '" + locator + "': " + e.getMessage());
        }
    }
}
