package io.replicate.cas.s3;

import io.replicate.cas.store.OnePlaceStore;
import io.replicate.cas.store.Proof;
import io.replicate.core.block.Block;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Presence;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.MetadataDirective;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.S3Object;

/**
 * Contents as objects of an S3 bucket, each under its hash behind a prefix of the store's own. The server checks each
 * write by Content-MD5; each read is proven here. Temporary failures are tried again by the SDK. Thread-safe.
 */
public final class S3Store extends OnePlaceStore {
    private static final int NOT_FOUND = 404;
    private static final int PIECE_BYTES = 1 << 16;
    private static final ThreadLocal<byte[]> PIECE = ThreadLocal.withInitial(() -> new byte[PIECE_BYTES]);

    private final S3Client client;
    private final String bucket;
    private final String keyPrefix;

    /**
     * Creates a store over an open client, which is closed with it.
     *
     * @param keyPrefix of all keys, empty or with whatever separator it is to have at its end.
     */
    public S3Store(
            final S3Client client, final String bucket, final String keyPrefix, final Digest.Algorithm algorithm) {
        super("s3://" + bucket + "/" + keyPrefix, algorithm);
        this.client = client;
        this.bucket = bucket;
        this.keyPrefix = keyPrefix;
    }

    @Override
    public void index(final int place, final String prefix, final Entries entries) throws IOException {
        final int length = 2 * algorithm().hashBytes();
        try {
            for (final S3Object object : client.listObjectsV2Paginator(
                            request -> request.bucket(bucket).prefix(keyPrefix + prefix))
                    .contents()) {
                final String hash = object.key().substring(keyPrefix.length());
                if (hash.length() == length && hash.matches("[0-9a-f]+")) {
                    entries.entry(
                            HexFormat.of().parseHex(hash),
                            object.size(),
                            ChronoUnit.NANOS.between(Instant.EPOCH, object.lastModified()));
                }
            }
        } catch (final SdkException e) {
            throw failed("list", prefix, e);
        }
    }

    private String key(final Digest digest) {
        return keyPrefix + digest.hex();
    }

    @Override
    public int read(final Digest unit, final Block into) throws IOException {
        try (ResponseInputStream<GetObjectResponse> body =
                client.getObject(request -> request.bucket(bucket).key(key(unit)))) {
            receive(body, unit, into);
        } catch (final NoSuchKeyException e) {
            return -1;
        } catch (final SdkException e) {
            throw failed("get", unit.hex(), e);
        }
        if (!Proof.holds(unit, into.bytes())) {
            throw ReplicationException.corrupt(name() + unit.hex() + ": its content has another digest than its name");
        }
        return into.length();
    }

    private void receive(final ResponseInputStream<GetObjectResponse> body, final Digest unit, final Block into)
            throws IOException {
        final long announced = body.response().contentLength();
        if (announced > into.capacity()) {
            body.abort();
            throw ReplicationException.corrupt(
                    name() + unit.hex() + ": " + announced + " bytes, at most " + into.capacity() + " expected");
        }
        final ByteBuffer space = into.space();
        final byte[] piece = PIECE.get();
        for (int n = body.read(piece); n >= 0; n = body.read(piece)) {
            if (n > space.remaining()) {
                throw ReplicationException.corrupt(name() + unit.hex() + ": more bytes than announced");
            }
            space.put(piece, 0, n);
        }
        if (space.position() != announced) {
            throw ReplicationException.retry(
                    name() + unit.hex() + ": the answer broke off after " + space.position() + " of " + announced
                            + " bytes",
                    null);
        }
        into.length(space.position());
    }

    @Override
    public Presence stat(final Digest digest) throws IOException {
        try {
            final HeadObjectResponse found =
                    client.headObject(request -> request.bucket(bucket).key(key(digest)));
            return new Presence(1, found.contentLength());
        } catch (final NoSuchKeyException e) {
            return Presence.ABSENT;
        } catch (final AwsServiceException e) {
            if (e.statusCode() == NOT_FOUND) {
                return Presence.ABSENT;
            }
            throw failed("head", digest.hex(), e);
        } catch (final SdkException e) {
            throw failed("head", digest.hex(), e);
        }
    }

    @Override
    public void storeAt(final int place, final Digest digest, final Block from) throws IOException {
        final String md5 = Base64.getEncoder().encodeToString(Proof.hash(Digest.Algorithm.MD5, from.bytes()));
        try {
            client.putObject(
                    request -> request.bucket(bucket)
                            .key(key(digest))
                            .contentLength((long) from.length())
                            .contentMD5(md5),
                    RequestBody.fromContentProvider(
                            () -> new BufferStream(from.bytes()), from.length(), "application/octet-stream"));
        } catch (final SdkException e) {
            throw failed("put", digest.hex(), e);
        }
    }

    @Override
    public boolean touch(final int place, final Digest digest, final @Nullable Block from) throws IOException {
        try {
            client.copyObject(request -> request.sourceBucket(bucket)
                    .sourceKey(key(digest))
                    .destinationBucket(bucket)
                    .destinationKey(key(digest))
                    .metadataDirective(MetadataDirective.REPLACE));
            return true;
        } catch (final NoSuchKeyException e) {
            return false;
        } catch (final SdkException e) {
            throw failed("touch", digest.hex(), e);
        }
    }

    private ReplicationException failed(final String what, final String which, final SdkException e) {
        final String message = what + " " + name() + which + ": "
                + String.valueOf(e.getMessage()).lines().findFirst().orElse("");
        return e.retryable() ? ReplicationException.retry(message, e) : ReplicationException.fail(message, e);
    }

    @Override
    public void close() {
        client.close();
    }
}
