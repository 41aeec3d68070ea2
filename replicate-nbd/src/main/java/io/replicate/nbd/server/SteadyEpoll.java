package io.replicate.nbd.server;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoOps;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollIoOps;

/**
 * Netty's epoll, with sockets kept in it while nothing is awaited from them. Netty 4.2.18 removes a socket whose interest
 * becomes empty (that of a client that has half closed, and has no replies waiting) and then cannot find it any more when
 * replies must wait after all: it fails with ENOENT, and the client gets half a reply. An interest in nothing but edges,
 * of errors that is, keeps it there and wakes nobody twice.
 *
 * <p>Every loop has its own; the threads are those of {@link IoHandler}.
 */
final class SteadyEpoll implements IoHandler {
    private final IoHandler epoll;

    private SteadyEpoll(IoHandler epoll) {
        this.epoll = epoll;
    }

    static IoHandlerFactory newFactory() {
        final IoHandlerFactory factory = EpollIoHandler.newFactory();
        return thread -> new SteadyEpoll(factory.newHandler(thread));
    }

    @Override
    public IoRegistration register(IoHandle handle) throws Exception {
        return new Kept(epoll.register(handle));
    }

    /** The place of one socket in epoll. Used by the event loop only. */
    private static final class Kept implements IoRegistration {
        private final IoRegistration registration;
        private boolean added;

        Kept(IoRegistration registration) {
            this.registration = registration;
        }

        @Override
        public long submit(IoOps ops) {
            if (!EpollIoOps.NONE.equals(ops)) {
                added = true;
                return registration.submit(ops);
            }
            return registration.submit(added ? EpollIoOps.EPOLLET : ops);
        }

        @Override
        @SuppressWarnings("TypeParameterUnusedInFormals") // the signature is that of Netty
        public <T> T attachment() {
            return registration.attachment();
        }

        @Override
        public boolean isValid() {
            return registration.isValid();
        }

        @Override
        public boolean cancel() {
            return registration.cancel();
        }
    }

    @Override
    public void initialize() {
        epoll.initialize();
    }

    @Override
    public int run(IoHandlerContext context) {
        return epoll.run(context);
    }

    @Override
    public void prepareToDestroy() {
        epoll.prepareToDestroy();
    }

    @Override
    public void destroy() {
        epoll.destroy();
    }

    @Override
    public void wakeup() {
        epoll.wakeup();
    }

    @Override
    public boolean isCompatible(Class<? extends IoHandle> type) {
        return epoll.isCompatible(type);
    }
}
