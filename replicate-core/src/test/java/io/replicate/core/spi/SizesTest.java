package io.replicate.core.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.ReplicationException.Category;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SizesTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "4096, 4096",
        "64K, 65536",
        "64k, 65536",
        "200M, 209715200",
        "1.5G, 1610612736",
        "2T, 2199023255552",
        "1P, 1125899906842624",
        "3KiB, 3072",
        "3kb, 3072",
        "512B, 512",
        "0.5K, 512",
        "9223372036854775807, 9223372036854775807",
    })
    void sizesAreReadAsPeopleWriteThem(final String text, final long bytes) throws ReplicationException {
        assertThat(Sizes.parse("size", text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-1", "x", "1X", "1.5", "K", "1 000", "8192P", "9223372036854775808", "1e3", "0x10"})
    void whatIsNoSizeIsMisuseAndSaysWhichParameter(final String text) {
        assertThatThrownBy(() -> Sizes.parse("--rate", text))
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.MISUSE))
                .hasMessageContaining("--rate is '" + text + "'");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0 B",
        "1023, 1023 B",
        "1024, 1.0 KiB",
        "1536, 1.5 KiB",
        "10240, 10 KiB",
        "1048575, 1.0 MiB",
        "671088640, 640 MiB",
        "9223372036854775807, 8192 PiB",
    })
    void sizesAreWrittenForPeople(final long bytes, final String text) {
        assertThat(Sizes.format(bytes)).isEqualTo(text);
    }
}
