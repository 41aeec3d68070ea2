package io.replicate.examples.cli;

import io.replicate.core.posix.Alignment;
import io.replicate.delta.apply.TargetImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/**
 * A stream that goes to a block device. Its first sector is written last, when all else is durable: what is half there
 * has no header, so that nobody takes it for a store. Used by one thread.
 */
final class DdsDeviceOutput implements WritableByteChannel {
    private static final int SECTOR_BYTES = 512;

    private final TargetImage device;
    private final ByteBuffer first = Alignment.buffer(SECTOR_BYTES);
    private long offset;
    private boolean open = true;

    /** Creates an output, which closes the device. */
    DdsDeviceOutput(final TargetImage device) {
        this.device = device;
    }

    @Override
    public int write(final ByteBuffer from) throws IOException {
        final int length = from.remaining();
        if (offset == 0) {
            device.write(0, Alignment.buffer(SECTOR_BYTES));
            device.flush();
        }
        while (first.hasRemaining() && from.hasRemaining()) {
            first.put(from.get());
        }
        final int rest = from.remaining();
        if (rest > 0) {
            device.write(offset + length - rest, from);
        }
        offset += length;
        return length;
    }

    /** Makes the stream durable and valid. */
    void commit() throws IOException {
        device.flush();
        device.write(0, first.flip());
        device.flush();
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public void close() throws IOException {
        if (open) {
            open = false;
            device.close();
        }
    }
}
