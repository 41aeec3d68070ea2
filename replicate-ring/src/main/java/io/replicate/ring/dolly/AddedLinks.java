package io.replicate.ring.dolly;

import java.util.List;

/**
 * Additional data connections of each hop, over other interfaces: {@code add} and {@code add2}. Blocks go round robin
 * over all of them.
 *
 * @param count how many connections there are besides the first.
 * @param suffixes what makes a host's other names out of its first: one for each added connection, or with a count of 0
 *     one for the only connection.
 * @param beforeDigit whether the suffix stands before the first digit ({@code add2}) instead of at the end.
 */
public record AddedLinks(int count, List<String> suffixes, boolean beforeDigit) {
    /** One data connection, to the host's own name. */
    static final AddedLinks NONE = new AddedLinks(0, List.of(), false);

    public AddedLinks {
        suffixes = List.copyOf(suffixes);
    }

    /** Returns how many data connections a hop has. */
    int links() {
        return count + 1;
    }

    /** Returns the name that data connection {@code link} of a host goes to. */
    String nameOf(final String host, final int link) {
        if (count == 0) {
            return suffixes.isEmpty() ? host : with(host, suffixes.get(0));
        }
        return link == 0 ? host : with(host, suffixes.get(link - 1));
    }

    private String with(final String host, final String suffix) {
        if (beforeDigit) {
            for (int i = 0; i < host.length(); i++) {
                if (host.charAt(i) >= '0' && host.charAt(i) <= '9') {
                    return host.substring(0, i) + suffix + host.substring(i);
                }
            }
        }
        return host + suffix;
    }
}
