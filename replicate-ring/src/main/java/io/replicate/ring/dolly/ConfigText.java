package io.replicate.ring.dolly;

/** A configuration as it goes over the wire: every node passes on the bytes that it got. */
final class ConfigText {
    private final byte[] bytes;

    ConfigText(final byte[] bytes) {
        this.bytes = bytes.clone();
    }

    byte[] bytes() {
        return bytes.clone();
    }
}
