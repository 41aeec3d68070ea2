package io.replicate.cas.testing;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Stores in a process of their own, for measurements: {@code StoreProcess ERA COUNT DIRECTORY DELAY_MS}, or
 * {@code StoreProcess LINES COUNT NUMBER} for servers that have an index of that many lines only. Prints the list of services
 * as one line of JSON, and ends when its standard input does. Neither signatures nor an API server.
 */
public final class StoreProcess {
    /** The token for indexes. */
    public static final String TOKEN = "token0of0the0store0process";

    private StoreProcess() {}

    /** Runs until the standard input ends. */
    public static void main(final String[] args) throws IOException {
        final int count = Integer.parseInt(args[1]);
        System.out.println(FakeApiServer.list("LINES".equals(args[0]) ? lines(count, args) : stores(count, args)));
        while (System.in.read() >= 0) {
            // Whoever started this says nothing: it ends us by its end.
        }
        System.exit(0);
    }

    private static List<String> lines(final int count, final String[] args) {
        final List<String> items = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            items.add(FakeApiServer.service(
                    uuid(i), "127.0.0.1", new LineServer(Integer.parseInt(args[2])).port(), "disk", false));
        }
        return items;
    }

    /** Returns the UUID of a store by its number. */
    public static String uuid(final int number) {
        return String.format(Locale.ROOT, "zbnch-bi6l4-%015d", number);
    }

    private static List<String> stores(final int count, final String[] args) {
        final Era era = Era.valueOf(args[0]);
        final Path directory = Path.of(args[2]);
        final Duration delay = Duration.ofMillis(Long.parseLong(args[3]));
        final List<String> items = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            final FakeKeepstore store =
                    new FakeKeepstore(era, uuid(i), directory.resolve("keep" + i), TOKEN, "", Duration.ZERO, 0);
            final int port = delay.isZero() ? store.port() : new DelayProxy(store.port(), delay).port();
            items.add(FakeApiServer.service(uuid(i), "127.0.0.1", port, "disk", false));
        }
        return items;
    }
}
