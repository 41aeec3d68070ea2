package io.replicate.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.ReplicationException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AccessListTest {

    @ParameterizedTest
    @CsvSource({
        "192.0.2.7, 192.0.2.7, true",
        "192.0.2.7, 192.0.2.8, false",
        "192.0.2.0/24, 192.0.2.255, true",
        "192.0.2.0/24, 192.0.3.0, false",
        "192.0.2.0/25, 192.0.2.128, false",
        "0.0.0.0/0, 203.0.113.9, true",
        "2001:db8::/32, 2001:db8:1::1, true",
        "2001:db8::/32, 2001:db9::1, false",
        "2001:db8::1, 2001:db8::1, true",
        "::ffff:192.0.2.7, 192.0.2.7, true",
        "::ffff:192.0.2.0/120, 192.0.2.9, true",
        "::ffff:192.0.2.0/120, 192.0.3.9, false",
        "::/0, 192.0.2.7, false",
    })
    void anAddressIsInsideOrOutside(String entry, String peer, boolean inside) throws Exception {
        final AccessList list = AccessList.of(List.of(entry), true);

        assertThat(list.allows(new InetSocketAddress(InetAddress.getByName(peer), 1)))
                .isEqualTo(inside);
    }

    @Test
    void anEmptyListLetsAllInUnlessTheDefaultIsToDeny() throws Exception {
        final InetSocketAddress peer = new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);

        assertThat(AccessList.of(List.of(), false).allows(peer)).isTrue();
        assertThat(AccessList.of(List.of(), true).allows(peer)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "host", "192.0.2.0/33", "192.0.2", "2001:db8::/129", "192.0.2.0/-1", "192.0.2.0/x"})
    void whatIsNoEntryIsRefused(String entry) {
        assertThatThrownBy(() -> AccessList.of(List.of(entry), false))
                .isInstanceOf(ReplicationException.class)
                .hasMessageContaining("access list");
    }
}
