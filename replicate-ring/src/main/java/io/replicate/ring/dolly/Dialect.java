package io.replicate.ring.dolly;

/** The two protocols that are called dolly; they do not interoperate. A client tells them apart by the first byte. */
public enum Dialect {
    /** Releases 0.6x: no password, no directories; fan-out, compression and additional links. */
    CLASSIC {
        @Override
        String configured(final String name) {
            return "Host got parameters '" + name + "'.";
        }

        @Override
        String ready(final String name) {
            return "Host ready '" + name + "'.";
        }

        @Override
        boolean isReady(final String line) {
            return line.startsWith("Host ready '") && line.endsWith("'.");
        }
    },
    /** Releases 0.70 and later: a password flag first, and a flag for directories. */
    MODERN {
        @Override
        String configured(final String name) {
            return "Client " + name + " configured with parameters. Ready to proceed.";
        }

        @Override
        String ready(final String name) {
            return "Client " + name + " ready.";
        }

        @Override
        boolean isReady(final String line) {
            return line.startsWith("Client ") && line.endsWith(" ready.");
        }
    };

    /** Returns the line, without its end, by which a client says that it has its parameters. */
    abstract String configured(String name);

    /** Returns the line, without its end, by which a client says that its part of the ring is built. */
    abstract String ready(String name);

    /** Returns whether a line is {@link #ready} of any client. */
    abstract boolean isReady(String line);
}
