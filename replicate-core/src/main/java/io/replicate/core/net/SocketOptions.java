package io.replicate.core.net;

import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import java.util.Optional;

/**
 * What {@code tcp:} and {@code unix:} locators may set.
 *
 * @param nativeSockets whether plain descriptors are wanted where they can be had.
 * @param sendBufferBytes SO_SNDBUF, or 0 to leave it to the kernel.
 * @param receiveBufferBytes SO_RCVBUF, or 0 to leave it to the kernel.
 * @param segmentBytes TCP_MAXSEG of a connection, or 0 to leave it to the kernel.
 * @param bind the local address of a connection.
 * @param networkInterface the interface whose address is the local one.
 */
record SocketOptions(
        boolean nativeSockets,
        int sendBufferBytes,
        int receiveBufferBytes,
        int segmentBytes,
        Optional<String> bind,
        Optional<String> networkInterface) {
    static final String NATIVE = "native";
    static final String SEND_BUFFER = "sndbuf";
    static final String RECEIVE_BUFFER = "rcvbuf";
    static final String SEGMENT = "mss";
    static final String BIND = "bind";
    static final String INTERFACE = "interface";

    static final String[] UNIX_PARAMETERS = {NATIVE, SEND_BUFFER, RECEIVE_BUFFER};
    static final String[] TCP_PARAMETERS = {NATIVE, SEND_BUFFER, RECEIVE_BUFFER, SEGMENT, BIND, INTERFACE};

    private static final int MAX_BUFFER_BYTES = 1 << 30;

    /** Reads the options of {@code locator}; what it does not say, {@code defaults} says. */
    static SocketOptions of(final Locator locator, final Locator defaults) throws ReplicationException {
        final Locator whoSaysNative = locator.parameter(NATIVE).isPresent() ? locator : defaults;
        final Optional<String> bind = either(locator, defaults, BIND);
        final Optional<String> networkInterface = either(locator, defaults, INTERFACE);
        if (bind.isPresent() && networkInterface.isPresent()) {
            throw ReplicationException.misuse("locator '" + locator + "': give either bind or interface, not both");
        }
        return new SocketOptions(
                whoSaysNative.parameter(NATIVE).isEmpty() || whoSaysNative.flag(NATIVE),
                bufferBytes(locator, defaults, SEND_BUFFER),
                bufferBytes(locator, defaults, RECEIVE_BUFFER),
                bufferBytes(locator, defaults, SEGMENT),
                bind,
                networkInterface);
    }

    private static Optional<String> either(final Locator locator, final Locator defaults, final String key) {
        return locator.parameter(key).or(() -> defaults.parameter(key));
    }

    private static int bufferBytes(final Locator locator, final Locator defaults, final String key)
            throws ReplicationException {
        final Optional<String> text = either(locator, defaults, key);
        if (text.isEmpty()) {
            return 0;
        }
        try {
            final int bytes = Integer.parseInt(text.get());
            if (bytes > 0 && bytes <= MAX_BUFFER_BYTES) {
                return bytes;
            }
        } catch (final NumberFormatException e) {
            // said below
        }
        throw ReplicationException.misuse("locator '" + locator + "': " + key + " is '" + text.get()
                + "', expected a number of bytes from 1 to " + MAX_BUFFER_BYTES);
    }
}
