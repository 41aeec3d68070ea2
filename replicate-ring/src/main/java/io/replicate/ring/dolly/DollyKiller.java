package io.replicate.ring.dolly;

import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Ends clients of the modern dialect that wait for a server ({@code -K}). */
public final class DollyKiller {
    private static final Duration WAIT = Duration.ofSeconds(5);

    private DollyKiller() {}

    /**
     * Ends one client.
     *
     * @throws IOException when there is none, or it has another password.
     */
    public static void kill(final String host, final DollyOptions options) throws IOException {
        final @Nullable String password = options.password();
        try (Sockets sockets = new Sockets(options);
                ControlLink control = new ControlLink(sockets.controlOnce(host, WAIT))) {
            if (password == null) {
                control.write(new byte[] {0});
            } else {
                ChildDoor.authenticate(control, host, Password.of(password), WAIT);
            }
        }
    }
}
