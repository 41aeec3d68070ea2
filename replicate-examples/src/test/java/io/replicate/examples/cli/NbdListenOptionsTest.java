package io.replicate.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.unix.DomainSocketAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class NbdListenOptionsTest {
    @Test
    void anAddressIsToldAsClientsTypeIt() {
        assertThat(NbdListenOptions.uri(new InetSocketAddress("127.0.0.1", 10809), false))
                .isEqualTo("nbd://127.0.0.1:10809");
        assertThat(NbdListenOptions.uri(new InetSocketAddress("::1", 10809), true))
                .isEqualTo("nbds://[0:0:0:0:0:0:0:1]:10809");
        assertThat(NbdListenOptions.uri(new DomainSocketAddress("/run/nbd.sock"), false))
                .isEqualTo("nbd+unix:///?socket=/run/nbd.sock");
    }

    @Test
    void aRelativeSocketIsNotTakenForAnInheritedOne() {
        final String whole = "nbds+unix:///?socket=" + Path.of("nbd.sock").toAbsolutePath();
        assertThat(NbdListenOptions.uri(new DomainSocketAddress("nbd.sock"), true))
                .isEqualTo(whole);
        assertThat(NbdListenOptions.uri(UnixDomainSocketAddress.of("nbd.sock"), true))
                .isEqualTo(whole);
        assertThat(NbdListenOptions.uri(new DomainSocketAddress(""), true)).isEqualTo("an inherited socket");
    }
}
