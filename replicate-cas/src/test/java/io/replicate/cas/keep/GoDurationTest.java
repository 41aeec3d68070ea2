package io.replicate.cas.keep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.ReplicationException;
import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GoDurationTest {
    @ParameterizedTest
    @CsvSource({"336h,1209600000", "1h30m,5400000", "1.5s,1500", "0,0", "300ms,300", "2m3s,123000", ".5h,1800000"})
    void readsWhatGoReads(final String text, final long ms) throws ReplicationException {
        assertThat(GoDuration.parse(text)).isEqualTo(Duration.ofMillis(ms));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "5", "h", "1x", "-1h", "1h ", "9999999999h"})
    void refusesTheRest(final String text) {
        assertThatThrownBy(() -> GoDuration.parse(text)).isInstanceOf(ReplicationException.class);
    }

    @ParameterizedTest
    @CsvSource({"0,0s", "45000,45s", "123000,2m3s", "3600000,1h0m0s", "360001000,100h0m1s"})
    void printsAsGoPrints(final long ms, final String text) {
        assertThat(GoDuration.format(Duration.ofMillis(ms))).isEqualTo(text);
    }
}
