package io.replicate.examples.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hosts on one machine: network namespaces that share a switch. Needs root and iproute2. Removed on close.
 */
public final class Hosts implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Hosts.class);
    private static final String PREFIX = "replbench";
    private static final int FIRST_HOST = 10;
    private static final AtomicInteger NEXT = new AtomicInteger();

    private final int count;
    private final String tag;
    private final String subnet;

    /** Who is stopped takes his hosts with him. */
    private final Thread atExit = new Thread(this::remove, "bench-hosts");

    private Hosts(final int count) {
        this.count = count;
        this.tag = PREFIX + ProcessHandle.current().pid() % 10_000 + NEXT.getAndIncrement();
        this.subnet = "10.213.77.";
    }

    /** Makes {@code count} hosts. */
    public static Hosts make(final int count) throws IOException {
        final Hosts hosts = new Hosts(count);
        Runtime.getRuntime().addShutdownHook(hosts.atExit);
        try {
            hosts.build();
            return hosts;
        } catch (final IOException e) {
            hosts.close();
            throw e;
        }
    }

    private void build() throws IOException {
        sh("ip netns add " + tag + "sw");
        sh("ip -n " + tag + "sw link add sw type bridge mcast_snooping 0");
        sh("ip -n " + tag + "sw link set sw up");
        for (int host = 0; host < count; host++) {
            final String name = name(host);
            sh("ip netns add " + name);
            sh("ip -n " + name + " link add eth0 type veth peer name p" + host + " netns " + tag + "sw");
            sh("ip -n " + tag + "sw link set p" + host + " master sw up");
            sh("ip -n " + name + " addr add " + address(host) + "/24 dev eth0");
            sh("ip -n " + name + " link set eth0 up");
            sh("ip -n " + name + " link set lo up");
            sh("ip -n " + name + " route add default dev eth0");
        }
    }

    /** Caps what each host may send, in bytes a second. */
    void cap(final long bytesPerSecond) throws IOException {
        for (int host = 0; host < count; host++) {
            sh("ip netns exec " + name(host) + " tc qdisc replace dev eth0 root tbf rate " + bytesPerSecond * 8
                    + "bit burst 256kb latency 100ms");
        }
    }

    /** Takes a host from the switch, as a pulled cable does, or puts it back. */
    public void link(final int host, final boolean up) throws IOException {
        sh("ip -n " + tag + "sw link set p" + host + (up ? " up" : " down"));
    }

    /** Lets a part of the packets that a host sends be lost; returns whether the kernel can. */
    public boolean lose(final int host, final int percent) {
        try {
            sh("ip netns exec " + name(host) + " tc qdisc replace dev eth0 root netem loss " + percent + "%");
            return true;
        } catch (final IOException e) {
            LOG.debug("no netem: {}", e.getMessage());
            return false;
        }
    }

    private String name(final int host) {
        return tag + "h" + host;
    }

    /** Returns the address of a host. */
    public String address(final int host) {
        return subnet + (FIRST_HOST + host);
    }

    /** Returns the command that runs another on a host. */
    public List<String> on(final int host, final List<String> command) {
        final List<String> whole = new ArrayList<>(List.of("ip", "netns", "exec", name(host)));
        whole.addAll(command);
        return whole;
    }

    private static void sh(final String command) throws IOException {
        final Process process =
                new ProcessBuilder(command.split(" ")).redirectErrorStream(true).start();
        try {
            final String said =
                    new String(process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
            if (!process.waitFor(10, TimeUnit.SECONDS) || process.exitValue() != 0) {
                throw new IOException(command + ": " + said.strip());
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted: " + command, e);
        }
    }

    @Override
    public void close() {
        remove();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (final IllegalStateException e) {
            LOG.debug("this is the end", e);
        }
    }

    private void remove() {
        for (int host = -1; host < count; host++) {
            try {
                sh("ip netns del " + (host < 0 ? tag + "sw" : name(host)));
            } catch (final IOException e) {
                LOG.debug("it was never made, or is gone: {}", e.getMessage());
            }
        }
    }
}
