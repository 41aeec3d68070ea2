package io.replicate.nbd.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NbdAddressTest {

    private static NbdAddress parse(String uri) throws Exception {
        return NbdAddress.of(Locator.parse(uri));
    }

    @ParameterizedTest
    @CsvSource({
        "nbd://host, host, 10809, ''",
        "nbd://host/, host, 10809, ''",
        "nbd://host:1234/a, host, 1234, a",
        "nbd://host//a/b, host, 10809, /a/b",
        "nbd://[2001:db8::1]:99/x, 2001:db8::1, 99, x",
        "nbd://[::1], ::1, 10809, ''",
        "nbd://localhost/with%20blank, localhost, 10809, with blank",
        "nbds://user@host/e, host, 10809, e",
    })
    void tcpUrisNameHostPortAndExport(String uri, String host, int port, String export) throws Exception {
        final NbdAddress address = parse(uri);

        assertThat(address.host()).isEqualTo(host);
        assertThat(address.port()).isEqualTo(port);
        assertThat(address.export()).isEqualTo(export);
        assertThat(address.tls()).isEqualTo(uri.startsWith("nbds"));
    }

    @Test
    void unixUrisNameTheSocket() throws Exception {
        final NbdAddress address = parse("nbds+unix:///disk?socket=/run/nbd.sock&tls-verify-peer=false&connections=2");

        assertThat(address.socket()).isEqualTo(Path.of("/run/nbd.sock"));
        assertThat(address.export()).isEqualTo("disk");
        assertThat(address.tls()).isTrue();
        assertThat(address.verifyPeer()).isFalse();
        assertThat(address.connections()).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "nbd:host",
                "nbd://host:0",
                "nbd://host:99999",
                "nbd://host:x",
                "nbd://a:b:c",
                "nbd://[::1",
                "nbd+unix:///x",
                "nbd://host/?socket=/x",
                "nbd://host/?unknown=1",
                "nbd://host/?connections=0"
            })
    void brokenUrisAreRefused(String uri) {
        assertThatThrownBy(() -> parse(uri)).isInstanceOf(ReplicationException.class);
    }
}
