package io.replicate.nbd.server;

import io.replicate.core.memory.MemoryVolume;
import io.replicate.core.spi.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * A disk with a write cache, whose power goes at a chosen operation: of the writes since the last flush each sector has
 * then seen some or none. Thread-safe.
 */
final class VolatileDisk {
    static final int SECTOR = 512;

    private record Write(int offset, byte[] bytes) {}

    private final byte[] durable;
    private final List<Write> cached = new ArrayList<>();
    private final boolean honest;
    private final int failAt;
    private int operations;
    private final Volume volume;

    /**
     * @param failAt number of the write or flush at which the power goes.
     * @param honest whether flushes and FUA do what they should.
     */
    VolatileDisk(int sectors, int failAt, boolean honest) {
        this.durable = new byte[sectors * SECTOR];
        this.failAt = failAt;
        this.honest = honest;
        this.volume = Intercepted.volume(new MemoryVolume("volatile", durable.length), this::at);
    }

    Volume volume() {
        return volume;
    }

    private synchronized void at(String call, Object[] arguments) throws IOException {
        if ("write".equals(call)) {
            power();
            final ByteBuffer from = ((ByteBuffer) arguments[1]).duplicate();
            final byte[] bytes = new byte[from.remaining()];
            from.get(bytes);
            final Write write = new Write(Math.toIntExact((Long) arguments[0]), bytes);
            if (honest && ((Set<?>) arguments[2]).contains(Volume.Flag.FUA)) {
                cached.removeIf(earlier -> earlier.offset == write.offset); // a disk's cache never goes back in time
                apply(write);
            } else {
                cached.add(write);
            }
        } else if ("flush".equals(call)) {
            power();
            if (honest) {
                cached.forEach(this::apply);
                cached.clear();
            }
        }
    }

    private void power() throws IOException {
        if (operations++ >= failAt) {
            throw new IOException("the power is off");
        }
    }

    private void apply(Write write) {
        System.arraycopy(write.bytes, 0, durable, write.offset, write.bytes.length);
    }

    /** Returns what is found when the power is back. */
    synchronized byte[] afterCrash(Random random) {
        for (final Write write : cached) {
            if (random.nextBoolean()) {
                apply(write);
            }
        }
        return durable.clone();
    }
}
