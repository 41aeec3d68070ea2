package io.replicate.cas.s3;

import io.replicate.cas.store.CasStore;
import io.replicate.cas.store.ContentStoreContract;
import io.replicate.core.spi.Digest;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** The contract against a real S3 server in this process. */
class S3StoreTest extends ContentStoreContract {
    @TempDir
    private Path directory;

    private S3Server server;
    private S3Store opened;

    @Override
    protected CasStore newStore() throws IOException {
        server = new S3Server(directory);
        opened = server.store("blocks");
        return opened;
    }

    @Override
    protected void corrupt(final Digest digest) {
        server.put(opened, digest, new byte[(int) digest.lengthBytes()]);
    }

    @AfterEach
    void stop() throws Exception {
        server.close();
    }
}
