package io.replicate.core.net;

import io.netty.util.NetUtil;
import io.replicate.core.spi.ReplicationException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Host names, and the addresses of network interfaces. */
final class Resolver {

    private Resolver() {}

    /**
     * Returns the addresses of a host, in the order in which they should be tried. The system's resolver has time-outs
     * of its own that nobody can set, so it is asked on another thread.
     *
     * @throws ReplicationException RETRY when the name is not known, or not found out within {@code timeout}.
     */
    static List<InetAddress> resolve(final String host, final Duration timeout) throws ReplicationException {
        if (host.isEmpty()) {
            return List.of(InetAddress.getLoopbackAddress());
        }
        final FutureTask<List<InetAddress>> question = new FutureTask<>(() -> List.of(InetAddress.getAllByName(host)));
        if (NetUtil.isValidIpV4Address(host) || NetUtil.isValidIpV6Address(host)) {
            question.run();
        } else {
            final Thread thread = new Thread(question, "resolve " + host);
            thread.setDaemon(true);
            thread.start();
        }
        try {
            return question.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (final ExecutionException e) {
            final boolean unknown = e.getCause() instanceof UnknownHostException;
            throw ReplicationException.retry(
                    "resolve " + host + ": " + (unknown ? "no such host" : String.valueOf(e.getCause())), e.getCause());
        } catch (final TimeoutException e) {
            throw ReplicationException.retry(
                    "resolve " + host + ": no answer from the name service within " + timeout.toMillis() + " ms", e);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(
                    ReplicationException.Category.CANCELLED, "interrupted while resolving " + host, e);
        }
    }

    /**
     * Returns the address of an interface that is of the same family as {@code peer}.
     *
     * @throws ReplicationException MISUSE when there is no such interface, or no such address on it.
     */
    static InetAddress addressOf(final String networkInterface, final InetAddress peer) throws ReplicationException {
        final List<InetAddress> addresses = addressesOf(networkInterface);
        return addresses.stream()
                .filter(a -> a instanceof Inet4Address == peer instanceof Inet4Address)
                .filter(a -> a.isLinkLocalAddress() == peer.isLinkLocalAddress())
                .findFirst()
                .orElseThrow(() -> ReplicationException.misuse("interface " + networkInterface
                        + " has no address from which " + peer.getHostAddress() + " can be reached"));
    }

    /** Returns the first address of an interface, IPv4 before IPv6. */
    static InetAddress addressOf(final String networkInterface) throws ReplicationException {
        final List<InetAddress> addresses = addressesOf(networkInterface);
        return addresses.stream()
                .filter(Inet4Address.class::isInstance)
                .findFirst()
                .or(() -> addresses.stream().findFirst())
                .orElseThrow(() -> ReplicationException.misuse("interface " + networkInterface + " has no address"));
    }

    private static List<InetAddress> addressesOf(final String name) throws ReplicationException {
        try {
            final NetworkInterface found = NetworkInterface.getByName(name);
            if (found == null) {
                throw ReplicationException.misuse("no network interface is named '" + name + "'");
            }
            return found.inetAddresses().toList();
        } catch (final SocketException e) {
            throw ReplicationException.fail("look up network interface " + name + ": " + e.getMessage(), e);
        }
    }
}
