package io.replicate.cas.keep;

import io.replicate.cas.store.CasStore;
import io.replicate.cas.store.ContentStoreContract;
import io.replicate.cas.testing.Era;
import io.replicate.cas.testing.FakeCluster;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Digest;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

class KeepStoreTest {
    private abstract static class Contract extends ContentStoreContract {
        @TempDir
        private Path directory;

        private final Era era;
        private FakeCluster cluster;

        Contract(final Era era) {
            this.era = era;
        }

        @Override
        protected CasStore newStore() throws IOException {
            cluster = new FakeCluster(era, "zzzzz", 1, directory, "0123456789");
            return new KeepStore(
                    new KeepConfig("dst")
                            .services(ServiceList.parseJson(cluster.servicesJson()))
                            .systemToken(cluster.token())
                            .signingKey(cluster.signingKey())
                            .signatureTtl(Duration.ofDays(14))
                            .replication(1)
                            .retries(0),
                    new Cancellation());
        }

        @Override
        protected void corrupt(final Digest digest) {
            cluster.store(0).blocks().corrupt(digest.hex());
        }

        @AfterEach
        void stop() {
            cluster.close();
        }
    }

    @Nested
    class OfMay2016 extends Contract {
        OfMay2016() {
            super(Era.A);
        }
    }

    @Nested
    class OfOctober2017 extends Contract {
        OfOctober2017() {
            super(Era.B);
        }
    }

    @Nested
    class OfToday extends Contract {
        OfToday() {
            super(Era.H);
        }
    }
}
