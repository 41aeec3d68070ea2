package io.replicate.core.contract;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Ports for servers that must be told theirs. They lie outside the range from which the kernel gives connections theirs,
 * so that nobody takes one before it is bound, or while its server is started again; and no two are the same in this
 * process. Thread-safe.
 */
public final class FreePorts {
    private static final int FIRST = 15_000;
    private static final int COUNT = 15_000;
    private static final AtomicInteger NEXT = new AtomicInteger(new Random().nextInt(COUNT));

    private FreePorts() {}

    /** Returns a TCP port that is free at all local addresses. */
    public static int next() throws IOException {
        for (int i = 0; i < COUNT; i++) {
            final int port = FIRST + Math.floorMod(NEXT.getAndIncrement(), COUNT);
            try (ServerSocket socket = new ServerSocket()) {
                socket.bind(new InetSocketAddress(port));
                return port;
            } catch (final IOException e) {
                continue; // in use
            }
        }
        throw new IOException("no free port");
    }
}
