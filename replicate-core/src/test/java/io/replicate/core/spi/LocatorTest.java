package io.replicate.core.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

class LocatorTest {
    @Test
    void aBarePathIsTakenAsItIs() throws Exception {
        final Locator locator = Locator.parse("/srv/50%20 off:v2.img?direct=true");
        assertThat(locator.scheme()).isEqualTo("file");
        assertThat(locator.rest()).isEqualTo("/srv/50%20 off:v2.img");
        assertThat(locator.parameters()).isEqualTo(Map.of("direct", "true"));
    }

    /** Else there were no way to name a file with a question mark. */
    @Test
    void aFileLocatorIsPercentDecodedLikeAnyOther() throws Exception {
        assertThat(Locator.parse("file:a%20b%3Fc%25.img").rest()).isEqualTo("a b?c%.img");
        assertThat(Locator.parse("file:///srv/%C3%BC").rest()).isEqualTo("/srv/\u00fc");
        assertThat(Locator.parse("mem:a%3Fb?size=1%4d").parameters()).isEqualTo(Map.of("size", "1M"));
    }

    @Test
    void aBrokenEscapeIsRefused() {
        for (final String broken : new String[] {"file:50%", "file:a%2", "file:%zz", "mem:%+1"}) {
            assertThatThrownBy(() -> Locator.parse(broken))
                    .as(broken)
                    .isInstanceOf(ReplicationException.class)
                    .hasMessage("locator '" + broken + "': '%' must be followed by two hex digits");
        }
    }

    @Test
    void theLocatorOfAPathReadsBackAsThatPath() throws Exception {
        assertThat(Locator.parse(Locator.file("/srv/a%20b").text()).rest()).isEqualTo("/srv/a%20b");
    }
}
