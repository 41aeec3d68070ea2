package io.replicate.core.posix;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Proxy;
import java.util.concurrent.atomic.AtomicInteger;
import jnr.ffi.Runtime;
import org.junit.jupiter.api.Test;

/** A C library whose calls are interrupted by signals twice before they succeed. */
class InterruptedCallsTest {
    private final AtomicInteger calls = new AtomicInteger();
    private final Posix posix = new JnrPosix((LibC.Functions) Proxy.newProxyInstance(
            LibC.class.getClassLoader(), new Class<?>[] {LibC.Functions.class}, (self, method, arguments) -> {
                boolean interrupted = calls.incrementAndGet() % 3 != 0;
                if (interrupted) {
                    Runtime.getSystemRuntime().setLastError(Errnos.EINTR);
                }
                int result = interrupted ? -1 : 7;
                return method.getReturnType() == long.class ? (Object) (long) result : (Object) result;
            }));

    @Test
    void transfersAndSyncsAreRestarted() {
        assertThat(posix.open("x", 0, 0)).isEqualTo(7);
        assertThat(posix.pread(3, 0, 0, 0)).isEqualTo(7);
        assertThat(posix.pwrite(3, 0, 0, 0)).isEqualTo(7);
        assertThat(posix.preadv2(3, 0, 0, 0, 0)).isEqualTo(7);
        assertThat(posix.splice(3, 1, 4, 1, 1, 0)).isEqualTo(7);
        assertThat(posix.tee(3, 4, 1, 0)).isEqualTo(7);
        assertThat(posix.fsync(3)).isEqualTo(7);
        assertThat(posix.fallocate(3, 0, 0, 1)).isEqualTo(7);
        assertThat(posix.poll(0L, 1, 1000)).isEqualTo(7);
        assertThat(calls).hasValue(27);
    }

    @Test
    void closeIsNeverRepeated() {
        assertThat(posix.close(3)).isZero();
        assertThat(calls).hasValue(1);
    }
}
