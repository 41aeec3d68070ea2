package io.replicate.core.posix;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * One context of the kernel's AIO, and memory for what is submitted to it: 64 transfers are two system calls instead of
 * 64, and with O_DIRECT all of them are under way at once. Used by one thread at a time.
 */
final class Batch {
    /** How many transfers go together. */
    static final int MOST = 64;

    private static final short PREAD = 0;
    private static final short PWRITE = 1;
    private static final int IOCB_BYTES = 64;
    private static final int EVENT_BYTES = 32;

    private final Posix posix;
    private final long context;
    /** Structs iocb of linux/aio_abi.h, as a little-endian machine has them; the pointers to them; the answers. */
    private final ByteBuffer iocbs = memory(MOST * IOCB_BYTES);

    private final ByteBuffer pointers = memory(MOST * Long.BYTES);
    private final ByteBuffer events = memory(MOST * EVENT_BYTES);
    private final int[] results = new int[MOST];
    private boolean destroyed;

    private Batch(Posix posix, long context) {
        this.posix = posix;
        this.context = context;
        for (int i = 0; i < MOST; i++) {
            pointers.putLong(i * Long.BYTES, posix.addressOf(iocbs) + (long) i * IOCB_BYTES);
            iocbs.putLong(i * IOCB_BYTES, i);
        }
    }

    private static ByteBuffer memory(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    /** Returns a batch, or null where the kernel, a container or a limit forbids it. */
    static @Nullable Batch create(Posix posix) {
        ByteBuffer place = memory(Long.BYTES);
        int r = posix.ioSetup(MOST, posix.addressOf(place));
        return r < 0 ? null : new Batch(posix, place.getLong(0));
    }

    /**
     * Transfers up to {@link #MOST} pieces, and returns when all that were submitted have ended, whatever became of them.
     *
     * @param address of the buffer's first byte
     * @return how many were submitted; of these {@link #result} tells more
     */
    int transfer(boolean write, int fd, long address, Pieces pieces, int first, int count) throws PosixException {
        for (int i = 0; i < count; i++) {
            int at = i * IOCB_BYTES;
            iocbs.putInt(at + 16, write ? PWRITE : PREAD); // opcode, and priority 0
            iocbs.putInt(at + 20, fd);
            iocbs.putLong(at + 24, address + pieces.position(first + i));
            iocbs.putLong(at + 32, pieces.length(first + i));
            iocbs.putLong(at + 40, pieces.offset(first + i));
        }
        int submitted = 0;
        int n;
        do {
            n = posix.ioSubmit(context, count - submitted, posix.addressOf(pointers) + (long) submitted * Long.BYTES);
            submitted += Math.max(0, n);
        } while (n > 0 && submitted < count);
        await(submitted);
        return submitted;
    }

    /** The kernel writes to memory until then: nothing may be returned to anybody before. */
    private void await(int submitted) throws PosixException {
        for (int ended = 0; ended < submitted; ) {
            int n = posix.ioGetevents(context, submitted - ended, submitted - ended, posix.addressOf(events));
            if (n <= 0) {
                destroyed = true;
                posix.ioDestroy(context); // waits, too
                throw new PosixException("io_getevents", "aio", n == 0 ? Errnos.EIO : -n);
            }
            for (int i = 0; i < n; i++) {
                long result = events.getLong(i * EVENT_BYTES + 16);
                results[(int) events.getLong(i * EVENT_BYTES)] = (int) result;
            }
            ended += n;
        }
    }

    /** Returns whether the kernel could not say what became of transfers: nothing more may be submitted. */
    boolean isDestroyed() {
        return destroyed;
    }

    /** Returns how many bytes the piece with this index of the last transfer moved, or its negative errno. */
    int result(int index) {
        return results[index];
    }
}
