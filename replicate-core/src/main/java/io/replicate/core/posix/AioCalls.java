package io.replicate.core.posix;

import jnr.ffi.Pointer;
import jnr.ffi.Runtime;

/** The system calls of Linux' native AIO, for which the C library has no functions; see io_setup(2). */
final class AioCalls {
    private static final long MISSING = -Errnos.ENOSYS;

    private final LibC.Functions libc;
    private final Runtime runtime;
    private final long setup;
    private final long destroy;
    private final long submit;
    private final long getevents;
    private final boolean known;

    AioCalls(LibC.Functions libc, Runtime runtime, String arch) {
        this.libc = libc;
        this.runtime = runtime;
        boolean intel = "amd64".equals(arch);
        known = intel || "aarch64".equals(arch);
        setup = intel ? 206 : 0;
        destroy = intel ? 207 : 1;
        getevents = intel ? 208 : 4;
        submit = intel ? 209 : 2;
    }

    private long result(long returned) {
        return returned >= 0 ? returned : -(long) runtime.getLastError();
    }

    int setup(int events, long contextAddress) {
        return (int) (known ? result(libc.syscall(setup, (long) events, contextAddress)) : MISSING);
    }

    int destroy(long context) {
        return (int) (known ? result(libc.syscall(destroy, context)) : MISSING);
    }

    int submit(long context, int count, long pointers) {
        return (int) (known ? result(libc.syscall(submit, context, (long) count, pointers)) : MISSING);
    }

    int getevents(long context, int least, int most, long events) {
        if (!known) {
            return (int) MISSING;
        }
        Pointer noTimeout = null;
        long r;
        do {
            r = result(libc.syscall(getevents, context, (long) least, (long) most, events, noTimeout));
        } while (r == -Errnos.EINTR);
        return (int) r;
    }
}
