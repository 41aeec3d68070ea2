package io.replicate.ring.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.ReplicationException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NodeAddressTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = ' ',
            value = {
                "node7 tcp://node7:9990",
                "node7:1234 tcp://node7:1234",
                "10.0.0.7 tcp://10.0.0.7:9990",
                "fe80::1 tcp://[fe80::1]:9990",
                "[fe80::1] tcp://[fe80::1]:9990",
                "[fe80::1]:77 tcp://[fe80::1]:77",
                "a,b:2 tcp://a:9990|tcp://b:2"
            })
    void anAddressIsHostAndPort(final String text, final String locators) throws Exception {
        assertThat(String.join("|", RingNodeAddress.parse(text, 9990, "tcp", "").addresses()))
                .isEqualTo(locators);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a,", ":80", "a:", "a:0", "a:65536", "a:x"})
    void anythingElseIsRefused(final String text) {
        assertThatThrownBy(() -> RingNodeAddress.parse(text, 9990, "tcp", ""))
                .isInstanceOf(ReplicationException.class)
                .hasMessageContaining("node '" + text + "'");
    }
}
