package io.replicate.core.posix;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A descriptor that cannot be used after it was closed, so that a number which the kernel has given to another file
 * is never touched. Around each raw call:
 *
 * <pre>{@code
 * int number = fd.acquire();
 * try {
 *     posix.splice(number, …);
 * } finally {
 *     fd.release();
 * }
 * }</pre>
 *
 * <p>Thread-safe, and free of locks and allocation. {@link #close} refuses new users at once; the descriptor goes when
 * the last call that is under way has returned.
 */
public final class Fd implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(Fd.class);
    private static final int CLOSED = 1 << 31;
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Fd.class, "state", int.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Posix posix;
    private final int number;
    private final String name;
    private final boolean owned;

    /** The number of calls under way, and {@link #CLOSED}. Written through {@link #STATE} only. */
    @SuppressWarnings("UnusedVariable")
    private volatile int state;

    private Fd(Posix posix, int number, String name, boolean owned) {
        this.posix = posix;
        this.number = number;
        this.name = name;
        this.owned = owned;
    }

    /**
     * Opens a file.
     *
     * @param flags O_ constants of {@link Linux}
     * @param mode  permissions of a file that is created
     */
    public static Fd open(Posix posix, String path, int flags, int mode) throws PosixException {
        int number = (int) PosixException.check(posix.open(path, flags, mode), "open", path);
        return new Fd(posix, number, path, true);
    }

    /** Takes over an open descriptor, which {@link #close} then closes. The name is what error messages call it. */
    public static Fd adopt(Posix posix, int number, String name) {
        return new Fd(posix, number, name, true);
    }

    /** Wraps a descriptor that belongs to somebody else, such as a socket of Netty: {@link #close} only stops its use. */
    public static Fd borrow(Posix posix, int number, String name) {
        return new Fd(posix, number, name, false);
    }

    /** Returns the number, which is valid until {@link #release}; throws EBADF if this is closed. */
    public int acquire() throws PosixException {
        while (true) {
            int seen = state;
            if (seen < 0) {
                throw new PosixException("use of closed", name, Errnos.EBADF);
            }
            if (STATE.compareAndSet(this, seen, seen + 1)) {
                return number;
            }
        }
    }

    /** Ends what {@link #acquire} began. */
    public void release() {
        int before = (int) STATE.getAndAdd(this, -1);
        if (before == CLOSED + 1) {
            try {
                closeNumber();
            } catch (PosixException e) {
                log.warn("{}", e.getMessage());
            }
        }
    }

    public boolean isOpen() {
        return state >= 0;
    }

    /** Returns the path, or what the maker called it. */
    public String name() {
        return name;
    }

    /** Closes, once; further calls do nothing. */
    @Override
    public void close() throws IOException {
        int before = (int) STATE.getAndBitwiseOr(this, CLOSED);
        if (before == 0) {
            closeNumber();
        }
    }

    /** Closes because of {@code failure}, to which a failure of the closing is added. */
    void closeAfter(Exception failure) {
        try {
            close();
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    private void closeNumber() throws PosixException {
        if (owned) {
            PosixException.check(posix.close(number), "close", name);
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
