package io.replicate.ring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.replicate.core.contract.Images;
import io.replicate.core.memory.MemoryStore;
import io.replicate.core.net.SharedSecret;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Source;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A ring in this process, over a {@link FaultyNet}: a server, and nodes {@code n1}, {@code n2} and so on. */
final class TestRing implements AutoCloseable {
    /** How many nodes the largest ring has; -Dreplicate.ring.nodes=500 needs about 3 GB. */
    static final int MANY = Integer.getInteger("replicate.ring.nodes", 200);

    static final Duration LIMIT = Duration.ofSeconds(Math.max(40, MANY / 4));
    static final int BLOCK_BYTES = 16 << 10;

    final FaultyNet net = new FaultyNet();
    final List<Member> nodes = new ArrayList<>();
    final List<String> events = new CopyOnWriteArrayList<>();
    private final Path directory;
    /** Long: who is only slow, on a machine with much to do, is not dead. */
    private Duration deadAfter = Duration.ofSeconds(15);

    private final String image = "image-" + UUID.randomUUID();
    private @Nullable RingServer server;
    private @Nullable CompletableFuture<List<NodeReport>> run;

    TestRing(final Path directory) {
        this.directory = directory;
    }

    /** Sets after what silence a member is dead; for rings in which somebody freezes. */
    TestRing deadAfter(final Duration silence) {
        deadAfter = silence;
        return this;
    }

    /** One node: its process is a thread here, and can be started again. */
    final class Member {
        final String name;
        final Path target;
        private final int port;
        private @Nullable RingNode node;
        private CompletableFuture<RingNode.Outcome> outcome = new CompletableFuture<>();
        volatile NodeStatus status = new NodeStatus("", NodeStage.WAITING, 0, 0, 0, 0);

        Member(final String name, final Consumer<RingNode.Builder> options) throws IOException {
            this.name = name;
            this.target = directory.resolve(name + ".img");
            this.port = start(0, options);
        }

        private int start(final int atPort, final Consumer<RingNode.Builder> options) throws IOException {
            final RingNode.Builder builder = RingNode.builder("faulty://127.0.0.1:" + atPort + net.query(name))
                    .checkpointInterval(Duration.ofMillis(50))
                    .serverWait(Duration.ofSeconds(10))
                    .windowBlocks(8)
                    .stateDir(directory.resolve("state"))
                    .listener(s -> status = s);
            options.accept(builder);
            final RingNode fresh = builder.open();
            node = fresh;
            outcome = CompletableFuture.supplyAsync(
                    () -> {
                        try (fresh) {
                            return fresh.run(LIMIT);
                        } catch (final IOException e) {
                            return new RingNode.Outcome(false, name, "", 0, 0, "", String.valueOf(e.getMessage()));
                        }
                    },
                    work -> new Thread(work, "member-" + name).start());
            final String local = fresh.local().rest();
            return Integer.parseInt(local.substring(local.lastIndexOf(':') + 1));
        }

        String address() {
            return "127.0.0.1:" + port;
        }

        /** Ends the node as a kill does, as far as others can see: its links break, and it says nothing. */
        void kill() {
            net.cut(name);
            stop();
        }

        /** Asks the node to stop, and waits for it. */
        void stop() {
            if (node != null) {
                node.stop();
            }
            outcome();
        }

        /** Starts a killed node again, at the same address. */
        void restart() throws IOException {
            restart(options -> {});
        }

        void restart(final Consumer<RingNode.Builder> options) throws IOException {
            net.mend();
            start(port, options);
        }

        RingNode.Outcome outcome() {
            try {
                return outcome.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            } catch (final Exception e) {
                throw new AssertionError(name + " has not ended: " + status + " " + events, e);
            }
        }

        boolean ended() {
            return outcome.isDone();
        }

        byte[] copy() {
            try {
                return Files.readAllBytes(target);
            } catch (final IOException e) {
                throw new AssertionError(name + " has no copy: " + events, e);
            }
        }
    }

    /** Starts {@code count} more nodes. */
    TestRing join(final int count) throws IOException {
        for (int i = 0; i < count; i++) {
            join(options -> {});
        }
        return this;
    }

    Member join(final Consumer<RingNode.Builder> options) throws IOException {
        final Member member = new Member("n" + (nodes.size() + 1), options);
        nodes.add(member);
        return member;
    }

    Member node(final int number) {
        return nodes.get(number - 1);
    }

    /** Where each node writes: a file of its own. */
    String fileTarget() {
        return directory.resolve("n%i.img").toString();
    }

    TestRing serve(final Source<Extent> source) throws IOException {
        return serve(source, fileTarget(), options -> {});
    }

    /** Starts the server. */
    TestRing serve(final Source<Extent> source, final String target, final Consumer<RingServer.Builder> options)
            throws IOException {
        final RingServer.Builder builder = RingServer.builder(source, image, target)
                .nodes(nodes.stream().map(Member::address).toList())
                .transport("faulty", net.query("server"))
                .blockBytes(BLOCK_BYTES)
                .windowBlocks(8)
                .maxWait(Duration.ofSeconds(20))
                .heartbeat(Duration.ofMillis(100), deadAfter)
                .listener(new RingListener() {
                    @Override
                    public void event(final String text) {
                        events.add(text);
                    }

                    @Override
                    public void nodeChanged(final NodeReport node, final String why) {
                        events.add(nameOf(node) + " " + node.state() + ": " + why);
                    }
                });
        options.accept(builder);
        final RingServer opened = builder.open();
        server = opened;
        run = CompletableFuture.supplyAsync(
                () -> {
                    try (opened) {
                        return opened.run();
                    } catch (final IOException e) {
                        throw new IllegalStateException(e.getMessage(), e);
                    }
                },
                work -> new Thread(work, "server").start());
        return this;
    }

    private String nameOf(final NodeReport report) {
        return nodes.stream()
                .filter(node -> node.address().equals(report.name()))
                .map(node -> node.name)
                .findFirst()
                .orElse(report.name());
    }

    RingServer server() {
        if (server == null) {
            throw new IllegalStateException("not served");
        }
        return server;
    }

    /** Waits for the end of the server's run. */
    List<NodeReport> reports() {
        if (run == null) {
            throw new IllegalStateException("not served");
        }
        try {
            return run.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
        } catch (final java.util.concurrent.ExecutionException e) {
            throw new IllegalStateException(e.getCause() == null ? e : e.getCause());
        } catch (final Exception e) {
            throw new AssertionError(
                    "the ring has not ended: " + server().reports() + "\n" + String.join("\n", events), e);
        }
    }

    NodeReport report(final int number) {
        return server().reports().get(number - 1);
    }

    /** Waits until a node has received, or the source was read, so far. */
    void awaitReceived(final int number, final long offset) {
        await("received by n" + number)
                .atMost(LIMIT)
                .until(() -> node(number).status.received() >= offset);
    }

    void awaitState(final int number, final NodeState state) {
        await("n" + number + " is " + state + " " + events)
                .atMost(LIMIT)
                .until(() -> report(number).state() == state);
    }

    void awaitEvent(final String part) {
        await("event " + part).atMost(LIMIT).until(() -> events.stream().anyMatch(event -> event.contains(part)));
    }

    /** Asserts that these nodes, and no others, have been proven to be equal to the image. */
    void assertCopies(final byte[] expected, final Integer... numbers) {
        final List<NodeReport> reports = reports();
        final List<Integer> wanted = Arrays.asList(numbers);
        for (int number = 1; number <= nodes.size(); number++) {
            final NodeReport report = reports.get(number - 1);
            if (wanted.contains(number)) {
                assertThat(report.state())
                        .as("n%d: %s %s", number, report, events)
                        .isEqualTo(NodeState.DONE);
                assertThat(Arrays.equals(node(number).copy(), expected))
                        .as("copy of n%d", number)
                        .isTrue();
                assertThat(report.digest()).isEqualTo(server().digest()).isNotEmpty();
                assertThat(node(number).outcome().ok())
                        .as("outcome of n%d", number)
                        .isTrue();
            } else {
                assertThat(report.state()).as("n%d: %s", number, report).isIn(NodeState.LOST, NodeState.FAILED);
                assertThat(report.reason()).isNotEmpty();
                assertThat(node(number).target).doesNotExist();
            }
        }
    }

    /** Returns the files in the directory of the targets that are no final copies. */
    List<String> leftovers() throws IOException {
        try (var files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.startsWith("."))
                    .sorted()
                    .toList();
        }
    }

    /** Returns how much storage a file takes. */
    static long allocatedBytes(final Path file) throws Exception {
        final Process du = new ProcessBuilder("du", "-B1", file.toString()).start();
        return Long.parseLong(
                new String(du.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).split("\\s")[0]);
    }

    /** Returns what a volume in memory holds. */
    static byte[] memory(final String name) throws IOException {
        return Images.readAll(MemoryStore.shared().find(name).orElseThrow());
    }

    static SharedSecret secret(final String text) {
        try {
            return SharedSecret.of(text.getBytes(StandardCharsets.UTF_8));
        } catch (final IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        net.thaw();
        if (server != null) {
            server.cancel();
        }
        nodes.forEach(node -> {
            if (node.node != null) {
                node.node.stop();
            }
        });
        nodes.forEach(Member::outcome);
        net.close();
    }
}
