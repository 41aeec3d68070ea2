package io.replicate.nbd.server;

import io.netty.channel.FileRegion;
import io.netty.util.AbstractReferenceCounted;
import io.replicate.core.posix.Errnos;
import io.replicate.core.posix.Posix;
import io.replicate.core.posix.PosixException;
import java.io.IOException;
import java.nio.channels.WritableByteChannel;

/** A file range that goes to a plain socket inside the kernel. The file stays open for as long as its export does. */
final class SendFile extends AbstractReferenceCounted implements FileRegion {
    private final Posix posix;
    private final int socket;
    private final int file;
    private final long offset;
    private final long length;
    private final Runnable done;
    private long transferred;

    /**
     * @param done is called on the event loop when the range was sent or given up.
     */
    SendFile(int socket, int file, long offset, long length, Runnable done) {
        this.posix = Posix.get();
        this.socket = socket;
        this.file = file;
        this.offset = offset;
        this.length = length;
        this.done = done;
    }

    @Override
    public long position() {
        return offset;
    }

    @Override
    @Deprecated
    public long transfered() {
        return transferred;
    }

    @Override
    public long transferred() {
        return transferred;
    }

    @Override
    public long count() {
        return length;
    }

    /** Sends what the socket takes. The header is out already, so that a failure can only end the connection. */
    @Override
    public long transferTo(WritableByteChannel target, long position) throws IOException {
        long sent = 0;
        while (position + sent < length) {
            final long n = posix.sendfile(socket, file, offset + position + sent, length - position - sent);
            if (n == -Errnos.EAGAIN) {
                break;
            }
            PosixException.check(n, "sendfile", "fd " + file, offset + position + sent, length - position - sent);
            if (n == 0) {
                throw new IOException("the exported file became shorter while it was read");
            }
            sent += n;
        }
        transferred += sent;
        return sent;
    }

    @Override
    protected void deallocate() {
        done.run();
    }

    @Override
    public FileRegion retain() {
        super.retain();
        return this;
    }

    @Override
    public FileRegion retain(int increment) {
        super.retain(increment);
        return this;
    }

    @Override
    public FileRegion touch() {
        return this;
    }

    @Override
    public FileRegion touch(Object hint) {
        return this;
    }
}
