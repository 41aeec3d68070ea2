package io.replicate.cas.s3;

import io.replicate.cas.store.CasStore;
import io.replicate.core.spi.Digest;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** A real S3 server in this process, on a free port of the loopback. */
public final class S3Server implements AutoCloseable {
    private static final String PREFIX = "keep/";

    private final S3Proxy server;
    private final S3Client client;

    /** Starts a server whose buckets are sub-directories. */
    public S3Server(final Path directory) throws IOException {
        try {
            server = S3Proxy.builder()
                    .blobStore(new FilesystemNio2BlobStore(directory.toString()))
                    .endpoint(URI.create("http://127.0.0.1:0"))
                    .awsAuthentication(AuthenticationType.AWS_V2_OR_V4, "identity", "credential")
                    .build();
            server.start();
        } catch (final Exception e) {
            throw new IOException(e);
        }
        client = newClient();
    }

    private S3Client newClient() {
        return S3Client.builder()
                .httpClientBuilder(UrlConnectionHttpClient.builder())
                .region(Region.US_EAST_1)
                .endpointOverride(URI.create("http://127.0.0.1:" + server.getPort()))
                .forcePathStyle(true)
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                .credentialsProvider(
                        StaticCredentialsProvider.create(AwsBasicCredentials.create("identity", "credential")))
                .build();
    }

    /** Makes a bucket and opens a store in it. */
    public S3Store store(final String bucket) {
        client.createBucket(request -> request.bucket(bucket));
        return new S3Store(newClient(), bucket, PREFIX, Digest.Algorithm.MD5);
    }

    /** Writes an object of a store, whatever its name says of its bytes. */
    public void put(final CasStore store, final Digest digest, final byte[] bytes) {
        final String bucket = URI.create(store.name()).getHost();
        client.putObject(request -> request.bucket(bucket).key(PREFIX + digest.hex()), RequestBody.fromBytes(bytes));
    }

    @Override
    public void close() throws Exception {
        client.close();
        server.stop();
    }
}
