package io.replicate.ring.dolly;

/**
 * How a client's copy ended, as far as the server can know.
 *
 * @param name of the client, as in the configuration.
 * @param state how well that is known.
 * @param bytes of the copy.
 * @param digest of the copy in hexadecimal, empty when it is not known.
 * @param reason of a failure, else empty.
 */
public record DollyNode(String name, State state, long bytes, String digest, String reason) {
    /** What is known of a copy. */
    public enum State {
        /** The client has compared the digest of the whole stream, and its copy is durable. */
        PROVEN,
        /** The client has acknowledged the number of bytes: all that a real dolly can say. */
        ACKNOWLEDGED,
        /** There is no copy. */
        FAILED
    }

    /** Returns the report of a node that has no copy. */
    static DollyNode failed(final String name, final String reason) {
        return new DollyNode(name, State.FAILED, 0, "", reason);
    }

    /** Returns whether there is a copy. */
    public boolean ok() {
        return state != State.FAILED;
    }

    String toLine() {
        return "+result " + name + " " + state + " " + bytes + " " + (digest.isEmpty() ? "-" : digest) + " "
                + reason.replace('\n', ' ').replace('\r', ' ');
    }

    /** Reads what {@link #toLine()} wrote, or returns null. */
    static @org.jspecify.annotations.Nullable DollyNode fromLine(final String line) {
        final String[] parts = line.split(" ", 6);
        if (parts.length < 5 || !parts[0].equals("+result") || !parts[3].matches("[0-9]{1,18}")) {
            return null;
        }
        for (final State state : State.values()) {
            if (state.name().equals(parts[2])) {
                final String digest = parts[4].equals("-") ? "" : parts[4];
                return new DollyNode(
                        parts[1], state, Long.parseLong(parts[3]), digest, parts.length == 6 ? parts[5] : "");
            }
        }
        return null;
    }
}
