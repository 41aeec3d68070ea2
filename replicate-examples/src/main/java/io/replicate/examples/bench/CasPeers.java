package io.replicate.examples.bench;

import io.replicate.cas.testing.LineServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Processes at the other end of the copier's sockets, so that only the copier's own processor time is measured. */
final class CasPeers implements AutoCloseable {
    private static final long LAST_SECONDS = 10;

    private final Process process;
    private final String greeting;

    private CasPeers(final Process process, final String greeting) {
        this.process = process;
        this.greeting = greeting;
    }

    /** Starts a server of an index of so many lines; {@link #greeting()} is the list of services. */
    static CasPeers lines(final int count) throws IOException {
        return start(LineServer.class, Integer.toString(count));
    }

    /** Starts peers that do as little as possible; {@link #greeting()} is as {@link BareStores#main} prints it. */
    static CasPeers bare(final int blockBytes, final int blocks, final int sources, final int sinks, final long delayMs)
            throws IOException {
        return start(
                BareStores.class,
                Integer.toString(blockBytes),
                Integer.toString(blocks),
                Integer.toString(sources),
                Integer.toString(sinks),
                Long.toString(delayMs));
    }

    private static CasPeers start(final Class<?> main, final String... args) throws IOException {
        final List<String> command = new ArrayList<>(
                List.of(java(), "-XX:+UseSerialGC", "-cp", System.getProperty("java.class.path", ""), main.getName()));
        command.addAll(List.of(args));
        final Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        final BufferedReader out =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        final String greeting = out.readLine();
        if (greeting == null) {
            throw new IOException(main.getName() + " did not start");
        }
        return new CasPeers(process, greeting);
    }

    private static String java() {
        return Path.of(System.getProperty("java.home", ""), "bin", "java").toString();
    }

    String greeting() {
        return greeting;
    }

    @Override
    public void close() throws IOException {
        process.getOutputStream().close();
        try {
            if (!process.waitFor(LAST_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (final InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
