package io.replicate.nbd.control;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Talks to a {@link ControlServer}. */
public final class ControlClient {
    private static final Logger LOG = LoggerFactory.getLogger(ControlClient.class);
    private static final int ANSWER_SECONDS = 15;

    private final Path path;

    /** Talks to the server that listens at {@code path}. */
    public ControlClient(Path path) {
        this.path = path;
    }

    /**
     * A dirty bitmap of a running server.
     *
     * @param granularity of its chunks in bytes.
     * @param dirtyBytes that are marked.
     */
    public record Bitmap(String export, String name, int granularity, long dirtyBytes) {}

    /** Returns the bitmaps of all exports. */
    public List<Bitmap> list() throws IOException {
        final List<List<String>> rows = ask("bitmap-list");
        return rows.subList(1, rows.size()).stream()
                .map(row ->
                        new Bitmap(row.get(0), row.get(1), Integer.parseInt(row.get(2)), Long.parseLong(row.get(3))))
                .toList();
    }

    /** Begins a bitmap. */
    public void add(String export, String name, int granularity) throws IOException {
        ask("bitmap-add", export, name, Integer.toString(granularity));
    }

    /** Marks everything clean. */
    public void clear(String export, String name) throws IOException {
        ask("bitmap-clear", export, name);
    }

    /** Forgets a bitmap. */
    public void remove(String export, String name) throws IOException {
        ask("bitmap-remove", export, name);
    }

    private List<List<String>> ask(String... words) throws IOException {
        CompletableFuture<Void> tooSlow = CompletableFuture.completedFuture(null);
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            tooSlow = CompletableFuture.runAsync(
                    () -> closeQuietly(channel), CompletableFuture.delayedExecutor(ANSWER_SECONDS, TimeUnit.SECONDS));
            new ControlMessage(List.of(List.of(words))).send(channel);
            final List<List<String>> rows = ControlMessage.receive(channel).rows();
            final List<String> first = rows.isEmpty() ? List.of() : rows.get(0);
            if (first.equals(List.of(ControlMessage.OK))) {
                return rows;
            }
            throw ReplicationException.misuse(first.size() == 2 ? first.get(1) : "the server answered " + first);
        } catch (final ReplicationException e) {
            throw e;
        } catch (final ClosedChannelException e) {
            throw ReplicationException.fail(
                    "control socket " + path + ": no answer within " + ANSWER_SECONDS + " s", e);
        } catch (final IOException e) {
            throw ReplicationException.fail(
                    "control socket " + path + ": " + e.getMessage() + ": is a server running with --control " + path
                            + "?",
                    e);
        } finally {
            tooSlow.cancel(false);
        }
    }

    private static void closeQuietly(SocketChannel channel) {
        try {
            channel.close();
        } catch (final IOException e) {
            LOG.debug("control socket: {}", e.getMessage());
        }
    }
}
