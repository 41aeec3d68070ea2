package io.replicate.nbd.control;

import io.replicate.core.spi.ReplicationException;
import io.replicate.nbd.bitmap.DirtyBitmap;
import io.replicate.nbd.server.Export;
import io.replicate.nbd.server.NbdServer;
import io.replicate.nbd.server.UnixPaths;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets the owner of a server keep its dirty bitmaps, over a Unix socket that only he can open. One connection is one
 * question and one answer, of {@link ControlMessage}s.
 */
public final class ControlServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);
    private static final int MAX_CONNECTIONS = 8;
    private static final long QUESTION_SECONDS = 10;

    private final NbdServer server;
    private final Path path;
    private final ServerSocketChannel listener;
    private final Semaphore places = new Semaphore(MAX_CONNECTIONS);
    private final ScheduledExecutorService watchdog = Executors.newSingleThreadScheduledExecutor(task -> {
        final Thread thread = new Thread(task, "nbd-control-watchdog");
        thread.setDaemon(true);
        return thread;
    });

    private ControlServer(NbdServer server, Path path, ServerSocketChannel listener) {
        this.server = server;
        this.path = path;
        this.listener = listener;
    }

    /**
     * Listens at {@code path}; a socket that nobody answers any more is replaced.
     *
     * @throws IOException when that is not possible.
     */
    public static ControlServer start(NbdServer server, Path path) throws IOException {
        UnixPaths.removeStale(path);
        final ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            listener.bind(UnixDomainSocketAddress.of(path));
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
        } catch (final IOException e) {
            listener.close();
            throw ReplicationException.fail("cannot listen on " + path + ": " + e.getMessage(), e);
        }
        final ControlServer control = new ControlServer(server, path, listener);
        control.daemon("nbd-control", control::accept);
        return control;
    }

    private void daemon(String name, Runnable task) {
        final Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        while (listener.isOpen()) {
            try {
                final SocketChannel peer = listener.accept();
                if (places.tryAcquire()) {
                    daemon("nbd-control-client", () -> serve(peer));
                } else {
                    peer.close();
                }
            } catch (final IOException e) {
                if (listener.isOpen()) {
                    LOG.warn("control socket {}: {}", path, e.getMessage());
                }
            }
        }
    }

    private void serve(SocketChannel peer) {
        final ScheduledFuture<?> tooSlow =
                watchdog.schedule(() -> closeQuietly(peer), QUESTION_SECONDS, TimeUnit.SECONDS);
        try (peer) {
            ControlMessage answer;
            try {
                answer = answer(ControlMessage.receive(peer));
            } catch (final ReplicationException e) {
                answer = new ControlMessage(List.of(List.of(ControlMessage.ERROR, String.valueOf(e.getMessage()))));
            }
            answer.send(peer);
        } catch (final IOException e) {
            LOG.debug("control socket {}: {}", path, e.getMessage());
        } finally {
            tooSlow.cancel(false);
            places.release();
        }
    }

    private static void closeQuietly(SocketChannel peer) {
        try {
            peer.close();
        } catch (final IOException e) {
            LOG.debug("control socket: {}", e.getMessage());
        }
    }

    private ControlMessage answer(ControlMessage question) throws ReplicationException {
        final List<String> words =
                question.rows().isEmpty() ? List.of() : question.rows().get(0);
        switch (words.isEmpty() ? "" : words.get(0)) {
            case "bitmap-list" -> {
                return list();
            }
            case "bitmap-add" -> {
                expect(words, 4);
                export(words.get(1)).volume().add(words.get(2), number(words.get(3)));
            }
            case "bitmap-clear" -> {
                expect(words, 3);
                bitmap(words.get(1), words.get(2)).clear();
            }
            case "bitmap-remove" -> {
                expect(words, 3);
                bitmap(words.get(1), words.get(2));
                export(words.get(1)).volume().remove(words.get(2));
            }
            default -> throw ReplicationException.misuse("unknown request " + words);
        }
        return new ControlMessage(List.of(List.of(ControlMessage.OK)));
    }

    private ControlMessage list() {
        final List<List<String>> rows = new java.util.ArrayList<>();
        rows.add(List.of(ControlMessage.OK));
        for (final Export export : server.exports()) {
            for (final DirtyBitmap bitmap : export.volume().bitmaps()) {
                rows.add(List.of(
                        export.name(),
                        bitmap.name(),
                        Integer.toString(bitmap.granularity()),
                        Long.toString(bitmap.dirtyBytes())));
            }
        }
        return new ControlMessage(rows);
    }

    private static void expect(List<String> words, int count) throws ReplicationException {
        if (words.size() != count) {
            throw ReplicationException.misuse("request " + words + ": expected " + count + " words");
        }
    }

    private static int number(String text) throws ReplicationException {
        if (!text.matches("[0-9]{1,9}")) {
            throw ReplicationException.misuse("granularity '" + text + "' is no number of bytes");
        }
        return Integer.parseInt(text);
    }

    private Export export(String name) throws ReplicationException {
        return server.exports().stream()
                .filter(e -> e.name().equals(name)
                        || (name.isEmpty() && e == server.exports().get(0)))
                .findFirst()
                .orElseThrow(() -> ReplicationException.misuse("export '" + name + "' is not known here"));
    }

    private DirtyBitmap bitmap(String export, String name) throws ReplicationException {
        return export(export)
                .volume()
                .find(name)
                .orElseThrow(() -> ReplicationException.misuse("export '" + export + "' has no bitmap '" + name + "'"));
    }

    @Override
    public void close() throws IOException {
        listener.close();
        watchdog.shutdownNow();
        Files.deleteIfExists(path);
    }
}
