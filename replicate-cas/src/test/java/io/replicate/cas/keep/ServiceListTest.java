package io.replicate.cas.keep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.ReplicationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ServiceListTest {
    @Test
    void readsTheListOfAnApiServer() throws ReplicationException {
        final String json = "{\"kind\":\"arvados#keepServiceList\",\"items_available\":3,\"items\":["
                + "{\"uuid\":\"zzzzz-bi6l4-000000000000000\",\"service_host\":\"keep0\",\"service_port\":25107,"
                + "\"service_ssl_flag\":false,\"service_type\":\"disk\",\"read_only\":true,\"owner_uuid\":\"x\"},"
                + "{\"uuid\":\"zzzzz-bi6l4-000000000000001\",\"service_host\":\"keep0\",\"service_port\":25107,"
                + "\"service_ssl_flag\":false,\"service_type\":\"disk\"},"
                + "{\"uuid\":\"zzzzz-bi6l4-000000000000002\",\"service_host\":\"proxy\",\"service_port\":443,"
                + "\"service_ssl_flag\":true,\"service_type\":\"proxy\",\"read_only\":false}]}";

        assertThat(ServiceList.parseJson(json))
                .containsExactly(
                        new KeepService("zzzzz-bi6l4-000000000000000", "http://keep0:25107", "disk", true),
                        new KeepService("zzzzz-bi6l4-000000000000002", "https://proxy:443", "proxy", false));
    }

    @Test
    void makesUpUuidsForPlainUrls() throws ReplicationException {
        assertThat(ServiceList.parseUrls(" http://a:1 https://b/ "))
                .containsExactly(
                        new KeepService("00000-bi6l4-000000000000000", "http://a:1", "disk", false),
                        new KeepService("00000-bi6l4-000000000000001", "https://b:443", "disk", false));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "nonsense",
                "{}",
                "{\"items\":7}",
                "{\"items\":[{\"uuid\":\"x\"}]}",
                "{\"items\":[{\"uuid\":\"x\",\"service_host\":\"h\",\"service_port\":70000}]}"
            })
    void refusesWhatIsNoList(final String json) {
        assertThatThrownBy(() -> ServiceList.parseJson(json)).isInstanceOf(ReplicationException.class);
    }
}
