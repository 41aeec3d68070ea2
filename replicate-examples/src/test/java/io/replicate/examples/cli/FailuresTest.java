package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.spi.ReplicationException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

class FailuresTest {
    /** The message of such an exception is only the path. */
    @Test
    void saysWhatIsWrongWithAFileAlsoWhenAJobHasWrappedIt() {
        final NoSuchFileException missing = new NoSuchFileException("/srv/disk.img");

        assertThat(Failures.describe(missing)).isEqualTo("/srv/disk.img: no such file or directory");
        assertThat(Failures.describe(ReplicationException.fail(missing.getMessage(), missing)))
                .isEqualTo("/srv/disk.img: no such file or directory");
        assertThat(Failures.describe(ReplicationException.fail("checkpoint of job 1", missing)))
                .isEqualTo("checkpoint of job 1");
    }
}
