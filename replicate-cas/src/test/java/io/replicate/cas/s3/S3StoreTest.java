package io.replicate.cas.s3;

import io.replicate.cas.store.CasStore;
import io.replicate.cas.store.ContentStoreContract;
import io.replicate.core.spi.Digest;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/** The contract against a real S3 server in this process. */
class S3StoreTest extends ContentStoreContract {
    private static final String BUCKET = "blocks";

    @TempDir
    private Path directory;

    private S3Proxy server;
    private S3Client client;

    @Override
    protected CasStore newStore() throws IOException {
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
        client = S3Client.builder()
                .httpClientBuilder(UrlConnectionHttpClient.builder())
                .region(Region.US_EAST_1)
                .endpointOverride(URI.create("http://127.0.0.1:" + server.getPort()))
                .forcePathStyle(true)
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
                .credentialsProvider(
                        StaticCredentialsProvider.create(AwsBasicCredentials.create("identity", "credential")))
                .build();
        client.createBucket(request -> request.bucket(BUCKET));
        return new S3Store(client, BUCKET, "keep/", Digest.Algorithm.MD5);
    }

    @Override
    protected void corrupt(final Digest digest) {
        client.putObject(
                request -> request.bucket(BUCKET).key("keep/" + digest.hex()),
                RequestBody.fromBytes(new byte[(int) digest.lengthBytes()]));
    }

    @AfterEach
    void stop() throws Exception {
        server.stop();
    }
}
