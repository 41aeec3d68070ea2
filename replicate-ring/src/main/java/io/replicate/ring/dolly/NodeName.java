package io.replicate.ring.dolly;

import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Who am I: MYNODENAME where the list has it, then this machine's addresses, then HOST, HOSTNAME and the kernel's name,
 * with and without a domain. Unless a hyphen is a normal character, what follows one in the list names an interface, so
 * that {@code n1-eth1} is {@code n1}.
 */
final class NodeName {
    private NodeName() {}

    /** Returns the index of this node in the configuration's list. */
    static int find(final DollyConfig config, final DollyOptions options) throws IOException {
        final List<String> names = namesOf(options);
        for (final boolean prefix : new boolean[] {false, true}) {
            if (prefix && (config.hyphenNormal() || options.hyphenNormal())) {
                break;
            }
            for (final String name : names) {
                for (int i = 0; i < config.hosts().size(); i++) {
                    final String host = config.hosts().get(i);
                    if (name.equals(prefix ? withoutInterface(host) : host)) {
                        return i;
                    }
                }
            }
        }
        throw ReplicationException.fail(
                "this node is not in the list of clients " + String.join(", ", config.hosts())
                        + ": it is known as " + String.join(", ", names)
                        + "; set MYNODENAME to its name in the list",
                null);
    }

    private static String withoutInterface(final String host) {
        final int hyphen = host.indexOf('-');
        return hyphen > 0 ? host.substring(0, hyphen) : host;
    }

    /** Returns this node's own name, for a server that is not told another. */
    static String own(final DollyOptions options) {
        for (final String variable : new String[] {"MYNODENAME", "HOST", "HOSTNAME"}) {
            final String value = options.environment().get(variable);
            if (value != null && !value.isBlank()) {
                return value.strip();
            }
        }
        return kernelName();
    }

    private static List<String> namesOf(final DollyOptions options) throws IOException {
        final List<String> names = new ArrayList<>();
        add(names, options.environment().get("MYNODENAME"));
        if (options.bind().isEmpty()) {
            for (final NetworkInterface each : Collections.list(NetworkInterface.getNetworkInterfaces())) {
                for (final InetAddress address : Collections.list(each.getInetAddresses())) {
                    final String text = address.getHostAddress();
                    final int scope = text.indexOf('%');
                    add(names, scope < 0 ? text : text.substring(0, scope));
                }
            }
        } else {
            add(names, options.bind());
            // of one IPv6 address there are many spellings, and the list may have the long one
            add(names, InetAddress.getByName(options.bind()).getHostAddress());
        }
        for (final String name : new String[] {
            options.environment().get("HOST"), options.environment().get("HOSTNAME"), kernelName()
        }) {
            add(names, name);
            add(names, name == null ? null : name.split("\\.", 2)[0]);
        }
        return names;
    }

    private static String kernelName() {
        try {
            return java.nio.file.Files.readString(java.nio.file.Path.of("/proc/sys/kernel/hostname"))
                    .strip();
        } catch (final IOException e) {
            return "localhost";
        }
    }

    private static void add(final List<String> names, final @org.jspecify.annotations.Nullable String name) {
        if (name != null && !name.isBlank() && !names.contains(name.strip())) {
            names.add(name.strip());
        }
    }
}
