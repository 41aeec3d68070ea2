package io.replicate.nbd.server;

import io.netty.util.NetUtil;
import io.replicate.core.spi.ReplicationException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who may connect: addresses and CIDR ranges, IPv4 and IPv6. An IPv4 address mapped into IPv6 counts as IPv4. An empty
 * list lets everybody in, unless the default is to deny. Unix socket peers are not asked: the socket's mode says who
 * they are. Immutable.
 */
public final class AccessList {
    private static final int MAPPED_PREFIX = 96;

    private static final class Range {
        private final byte[] network;
        private final int bits;

        Range(byte[] network, int bits) {
            this.network = network;
            this.bits = bits;
        }

        boolean contains(byte[] address) {
            if (address.length != network.length) {
                return false;
            }
            for (int i = 0; i < bits; i++) {
                final int bit = 0x80 >>> (i & 7);
                if (((address[i >>> 3] ^ network[i >>> 3]) & bit) != 0) {
                    return false;
                }
            }
            return true;
        }
    }

    private final List<Range> ranges;
    private final boolean defaultDeny;

    private AccessList(List<Range> ranges, boolean defaultDeny) {
        this.ranges = ranges;
        this.defaultDeny = defaultDeny;
    }

    /** Returns the list that lets everybody in. */
    public static AccessList everybody() {
        return new AccessList(List.of(), false);
    }

    /**
     * Returns the list of these entries.
     *
     * @param entries such as {@code 192.0.2.7}, {@code 192.0.2.0/24}, {@code 2001:db8::/32}, {@code ::ffff:192.0.2.7}.
     * @param defaultDeny whether an empty list keeps everybody out.
     * @throws ReplicationException MISUSE when an entry is none.
     */
    public static AccessList of(Collection<String> entries, boolean defaultDeny) throws ReplicationException {
        final List<Range> ranges = new ArrayList<>();
        for (final String entry : entries) {
            ranges.add(parse(entry.trim()));
        }
        return new AccessList(List.copyOf(ranges), defaultDeny);
    }

    private static Range parse(String entry) throws ReplicationException {
        final int slash = entry.indexOf('/');
        String host = slash < 0 ? entry : entry.substring(0, slash);
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        }
        byte @Nullable [] network = NetUtil.createByteArrayFromIpAddressString(host);
        if (network == null) {
            throw ReplicationException.misuse("access list: '" + entry + "' is no address and no CIDR range");
        }
        final boolean written6 = host.indexOf(':') >= 0;
        int bits = written6 ? 128 : 32;
        if (slash >= 0) {
            final String text = entry.substring(slash + 1);
            if (!text.matches("[0-9]{1,3}") || Integer.parseInt(text) > bits) {
                throw ReplicationException.misuse("access list: '" + entry + "': the prefix must be 0 to " + bits);
            }
            bits = Integer.parseInt(text);
        }
        if (written6 && network.length == 4) {
            network = mapped(network);
        }
        if (network.length == 16 && isMapped(network) && bits >= MAPPED_PREFIX) {
            network = unmapped(network);
            bits -= MAPPED_PREFIX;
        }
        return new Range(network, bits);
    }

    private static byte[] mapped(byte[] four) {
        final byte[] sixteen = new byte[16];
        sixteen[10] = (byte) 0xff;
        sixteen[11] = (byte) 0xff;
        System.arraycopy(four, 0, sixteen, 12, 4);
        return sixteen;
    }

    private static boolean isMapped(byte[] address) {
        for (int i = 0; i < 10; i++) {
            if (address[i] != 0) {
                return false;
            }
        }
        return address[10] == (byte) 0xff && address[11] == (byte) 0xff;
    }

    private static byte[] unmapped(byte[] address) {
        return new byte[] {address[12], address[13], address[14], address[15]};
    }

    /** Returns whether a peer may connect. */
    public boolean allows(@Nullable SocketAddress peer) {
        if (!(peer instanceof InetSocketAddress inet)) {
            return peer != null || !defaultDeny;
        }
        final InetAddress address = inet.getAddress();
        if (ranges.isEmpty()) {
            return !defaultDeny;
        }
        byte[] bytes = address.getAddress();
        if (bytes.length == 16 && isMapped(bytes)) {
            bytes = unmapped(bytes);
        }
        for (final Range range : ranges) {
            if (range.contains(bytes)) {
                return true;
            }
        }
        return false;
    }
}
