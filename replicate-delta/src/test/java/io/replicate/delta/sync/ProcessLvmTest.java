package io.replicate.delta.sync;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the commands of lvm2 say, with scripts in their place. */
class ProcessLvmTest {
    private static final String UUID = "Gk1Rv4-abcd-efgh-ijkl-mnop-qrst-uvwxyz";

    @TempDir
    Path dir;

    private ProcessLvm lvm = new ProcessLvm(Path.of("/dev"));

    @BeforeEach
    void open() {
        lvm = new ProcessLvm(Path.of("/dev"), dir + "/");
    }

    private void lvs(final String script) throws IOException {
        final Path lvs = Files.writeString(dir.resolve("lvs"), "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(lvs, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @Test
    void warningsAreNoAnswer() throws IOException {
        final String warning = "echo '  WARNING: Device for PV x not found or rejected by a filter.' >&2; ";
        lvs(warning + "echo '  " + UUID + "'");
        assertThat(lvm.uuid("vg", "lv")).contains(UUID);
        lvs(warning + "echo '  swi-a-s---'");
        assertThat(lvm.valid("vg", "snap")).isTrue();
        lvs(warning + "echo '  swi-I-s---'");
        assertThat(lvm.valid("vg", "snap")).isFalse();
    }

    @Test
    void aVolumeThatIsNotThereHasNoUuid() throws IOException {
        lvs("echo '  Failed to find logical volume \"vg/lv\"' >&2; exit 5");
        assertThat(lvm.uuid("vg", "lv")).isEmpty();
    }

    @Test
    void whatLvsComplainsOfIsPassedOn() throws IOException {
        lvs("echo '  Permission denied' >&2; exit 5");
        assertThatThrownBy(() -> lvm.uuid("vg", "lv")).hasMessageContaining("Permission denied");
        assertThatThrownBy(() -> lvm.valid("vg", "lv")).hasMessageContaining("Permission denied");
    }
}
