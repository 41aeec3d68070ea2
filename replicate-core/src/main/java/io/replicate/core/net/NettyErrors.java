package io.replicate.core.net;

import java.io.FileNotFoundException;
import java.net.NoRouteToHostException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What Netty's exceptions mean to a user. */
public final class NettyErrors {
    private static final Pattern ERRNO = Pattern.compile("failed with error\\(-?[0-9]+\\): ([^:]+)");

    private NettyErrors() {}

    /** Netty says which system call failed, and repeats the address: only the reason in between is news to a user. */
    public static String reason(final Throwable cause) {
        if (cause instanceof FileNotFoundException) {
            return "there is no such socket"; // Netty gives no message
        }
        if (cause instanceof NoRouteToHostException) {
            return "no route to host"; // nor here
        }
        final String text = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
        final Matcher errno = ERRNO.matcher(text);
        return errno.find() ? errno.group(1) : text;
    }
}
