package io.replicate.cas.keep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KeepSettingsTest {
    @Test
    void readsKeysAndValuesAndSkipsTheRest() {
        final KeepSettings settings = KeepSettings.parse(
                "x.conf",
                "# a comment\r\n\r\n"
                        + " ARVADOS_API_HOST = zzzzz.example.com:443 \r\n"
                        + "ARVADOS_API_TOKEN=a=b=c\n"
                        + "this is a lost token\n");

        assertThat(settings.value(KeepSettings.API_HOST)).contains("zzzzz.example.com:443");
        assertThat(settings.value(KeepSettings.API_TOKEN)).contains("a=b=c");
        assertThat(settings.warnings()).hasSize(1);
        assertThat(settings.warnings().get(0)).contains("line 5").doesNotContain("lost");
        assertThat(settings).asString().doesNotContain("a=b=c");
    }

    @ParameterizedTest
    @CsvSource({"1,true", "yes,true", "TRUE,true", "t,true", "Y,true", "0,false", "no,false", "'',false", "2,false"})
    void readsYesInAllItsForms(final String text, final boolean yes) {
        assertThat(KeepSettings.parse("x", "ARVADOS_API_HOST_INSECURE=" + text).flag(KeepSettings.API_HOST_INSECURE))
                .isEqualTo(yes);
    }

    @Test
    void aNameIsAFileOfTheUserAndASlashMakesAPath() {
        assertThat(KeepSettings.locate("mycluster", Map.of("HOME", "/home/u")))
                .isEqualTo(Path.of("/home/u/.config/arvados/mycluster.conf"));
        assertThat(KeepSettings.locate("./x", Map.of("HOME", "/home/u"))).isEqualTo(Path.of("./x"));
    }

    @Test
    void saysThatAFileIsNotThere() {
        assertThatThrownBy(() -> KeepSettings.read("no-such", Map.of("HOME", "/nowhere")))
                .hasMessage("Error reading config file \"no-such\": open /nowhere/.config/arvados/no-such.conf:"
                        + " no such file or directory");
    }

    @Test
    void aByteOrderMarkIsNoPartOfTheFirstKey(@TempDir final Path directory) throws IOException {
        final Path file = directory.resolve("a.conf");
        Files.writeString(file, "\ufeffARVADOS_API_HOST=zzzzz.example.com\n");
        assertThat(KeepSettings.read(file.toString(), Map.of()).value(KeepSettings.API_HOST))
                .contains("zzzzz.example.com");
    }

    @Test
    void warnsOfAFileThatOthersCanRead(@TempDir final Path directory) throws IOException {
        final Path file = directory.resolve("a.conf");
        Files.writeString(file, "ARVADOS_API_TOKEN=x\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        assertThat(KeepSettings.read(file.toString(), Map.of()).warnings())
                .singleElement()
                .asString()
                .contains("chmod 600");

        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        assertThat(KeepSettings.read(file.toString(), Map.of()).warnings()).isEmpty();
    }
}
