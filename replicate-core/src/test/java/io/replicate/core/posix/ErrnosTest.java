package io.replicate.core.posix;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ErrnosTest {
    @Test
    void messagesSayCallPathPlaceAndName() {
        assertThat(new PosixException("pwrite", "/dev/sdb", 7_340_032, 65_536, Errnos.ENOSPC))
                .hasMessage("pwrite /dev/sdb offset=7340032 length=65536: ENOSPC");
        assertThat(new PosixException("fsync", "disk.img", Errnos.EIO)).hasMessage("fsync disk.img: EIO");
    }

    @Test
    void namesAreSymbolic() {
        assertThat(Errnos.name(Errnos.EOPNOTSUPP)).isEqualTo("EOPNOTSUPP");
        assertThat(Errnos.name(Errnos.EAGAIN)).isEqualTo("EAGAIN");
        assertThat(Errnos.name(28)).isEqualTo("ENOSPC");
        assertThat(Errnos.name(524)).isEqualTo("errno 524");
    }

    @Test
    void onlyMissingOperationsCountAsUnsupported() {
        assertThat(Errnos.isUnsupported(Errnos.ENOSYS)).isTrue();
        assertThat(Errnos.isUnsupported(Errnos.EOPNOTSUPP)).isTrue();
        assertThat(Errnos.isUnsupported(Errnos.EINVAL)).isFalse();
        assertThat(Errnos.isUnsupported(Errnos.ENOSPC)).isFalse();
    }
}
