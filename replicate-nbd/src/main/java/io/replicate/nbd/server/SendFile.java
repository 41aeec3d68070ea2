package io.replicate.nbd.server;

import io.netty.buffer.ByteBuf;
import io.netty.channel.FileRegion;
import io.netty.util.AbstractReferenceCounted;
import io.replicate.core.posix.Errnos;
import io.replicate.core.posix.Linux;
import io.replicate.core.posix.Posix;
import io.replicate.core.posix.PosixException;
import java.io.IOException;
import java.nio.channels.WritableByteChannel;

/**
 * A header, and the file range behind it, which goes to a plain socket inside the kernel. The two travel together: a
 * client that is woken for the header alone would only wait again. The file stays open for as long as its export does.
 */
final class SendFile extends AbstractReferenceCounted implements FileRegion {
    private final Posix posix;
    private final int socket;
    private final ByteBuf header;
    private final int headerBytes;
    private final int file;
    private final long offset;
    private final long length;
    private final Runnable done;
    private long transferred;

    /**
     * @param header is consumed.
     * @param done is called on the event loop when the range was sent or given up.
     */
    SendFile(int socket, ByteBuf header, int file, long offset, long length, Runnable done) {
        this.posix = Posix.get();
        this.socket = socket;
        this.header = header;
        this.headerBytes = header.readableBytes();
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
        return headerBytes + length;
    }

    /** Sends what the socket takes. The header is out first, so that a failure can only end the connection. */
    @Override
    public long transferTo(WritableByteChannel target, long position) throws IOException {
        long at = position;
        while (at < count()) {
            final long n = at < headerBytes ? sendHeader((int) at) : sendFile(at - headerBytes);
            if (n == -Errnos.EAGAIN) {
                break;
            }
            at += n;
        }
        transferred += at - position;
        return at - position;
    }

    private long sendHeader(int from) throws IOException {
        final long address = header.memoryAddress() + header.readerIndex() + from;
        final long n = posix.send(socket, address, headerBytes - from, Linux.MSG_MORE);
        return n == -Errnos.EAGAIN ? n : PosixException.check(n, "send", "fd " + socket);
    }

    private long sendFile(long from) throws IOException {
        final long n = posix.sendfile(socket, file, offset + from, length - from);
        if (n == -Errnos.EAGAIN) {
            return n;
        }
        PosixException.check(n, "sendfile", "fd " + file, offset + from, length - from);
        if (n == 0) {
            throw new IOException("the exported file became shorter while it was read");
        }
        return n;
    }

    @Override
    protected void deallocate() {
        header.release();
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
