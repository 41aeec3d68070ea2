package io.replicate.ring.dolly;

import io.replicate.core.spi.ReplicationException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads the configuration of both dialects: keywords in a fixed order, one in a line, no comments, no blank lines. Every
 * complaint has the form {@code FILE:LINE: expected …, found …}.
 */
final class ConfigParser {
    private static final int MAX_LINE_BYTES = 255;
    private static final int MAX_FANOUT = 8;
    private static final int MAX_ADDED = 7;
    private static final int MAX_HOSTS = 65536;
    private static final Pattern SPLIT_OUT = Pattern.compile("(.*\\S)\\s+split\\s+([0-9]{1,15})([kMGT]?)");
    private static final Pattern SPLIT_OUT_BAD = Pattern.compile("(.*\\S)\\s+split(\\s+[0-9]+\\S*)?");
    private static final Pattern SPLIT_IN = Pattern.compile("(.*\\S)\\s+split");
    private static final Pattern ADD = Pattern.compile("([0-9]{1,2}):(\\S+)");

    private final String name;
    private final Dialect dialect;
    private final String[] lines;
    private final boolean ended;
    private int at;

    ConfigParser(final String name, final byte[] text, final Dialect dialect) {
        this.name = name;
        this.dialect = dialect;
        final String all = new String(text, StandardCharsets.UTF_8);
        this.ended = all.strip().endsWith("endconfig");
        this.lines = all.split("\n", -1);
    }

    DollyConfig parse() throws ReplicationException {
        final DollyConfig.@Nullable Dummy dummy = dummy();
        boolean compressedIn = false;
        boolean splitIn = false;
        String infile = "";
        boolean compressedOut = false;
        long splitOut = 0;
        String outfile = "";
        if (dummy == null) {
            compressedIn = compressed();
            final String source = valueOf("infile", "infile PATH");
            final Matcher parts = SPLIT_IN.matcher(source);
            splitIn = parts.matches();
            infile = splitIn ? parts.group(1) : source;
            if (infile.isEmpty() && dialect == Dialect.CLASSIC) {
                throw bad("infile PATH");
            }
            next();
            compressedOut = compressed();
            final String target = valueOf("outfile", "outfile PATH");
            final Matcher split = SPLIT_OUT.matcher(target);
            if (split.matches()) {
                outfile = split.group(1);
                splitOut = bytes(split.group(2), split.group(3));
            } else if (SPLIT_OUT_BAD.matcher(target).matches()) {
                throw bad("outfile PATH split N with N such as 650M (k, M, G and T are possible)");
            } else {
                outfile = target;
            }
            if (outfile.isEmpty()) {
                throw bad("outfile PATH");
            }
            next();
        }
        final boolean classic = dialect == Dialect.CLASSIC;
        final int segment = classic && is("segsize") ? number("segsize", 88, 65495) : 0;
        final AddedLinks add = classic ? add() : AddedLinks.NONE;
        final int fanout = classic && is("fanout") ? number("fanout", 1, MAX_FANOUT) : 1;
        if (fanout > 1 && add.count() > 0) {
            at--;
            throw bad("no fanout together with added links");
        }
        final boolean hyphenNormal = hyphens();
        return classic
                ? classicHosts(new DollyConfig(
                        infile,
                        compressedIn,
                        splitIn,
                        outfile,
                        compressedOut,
                        splitOut,
                        dummy,
                        segment,
                        add,
                        fanout,
                        hyphenNormal,
                        "",
                        List.of()))
                : modernHosts(new DollyConfig(
                        infile,
                        compressedIn,
                        splitIn,
                        outfile,
                        compressedOut,
                        splitOut,
                        dummy,
                        segment,
                        add,
                        fanout,
                        hyphenNormal,
                        "",
                        List.of()));
    }

    private DollyConfig.@Nullable Dummy dummy() throws ReplicationException {
        if (!is("dummy")) {
            return null;
        }
        if (line().equals("dummy")) {
            next();
            return new DollyConfig.Dummy(0);
        }
        return new DollyConfig.Dummy(number("dummy", 1, Integer.MAX_VALUE));
    }

    private DollyConfig classicHosts(final DollyConfig head) throws ReplicationException {
        if (!is("server")) {
            throw bad("server NAME (a configuration without it is one of dolly 0.70 and later, the modern dialect)");
        }
        final String server = word("server");
        final int firstLine = at;
        final String first = word("firstclient");
        final int lastLine = at;
        final String last = word("lastclient");
        final int count = number("clients", 1, MAX_HOSTS);
        final List<String> hosts = new ArrayList<>();
        final Set<String> seen = new HashSet<>();
        for (int i = 0; i < count; i++) {
            hosts.add(host("the name of client " + (i + 1) + " of " + count, seen));
        }
        end("endconfig behind " + count + " clients");
        if (!hosts.get(0).equals(first)) {
            at = firstLine;
            throw bad("firstclient " + hosts.get(0) + ", the first of the clients");
        }
        if (!hosts.get(count - 1).equals(last)) {
            at = lastLine;
            throw bad("lastclient " + hosts.get(count - 1) + ", the last of the clients");
        }
        return with(head, server, hosts);
    }

    private DollyConfig modernHosts(final DollyConfig head) throws ReplicationException {
        if (is("server") || is("firstclient") || is("fanout") || is("segsize") || is("add") || is("add2")) {
            throw bad("the name of a client (this keyword belongs to dolly 0.6x, the classic dialect)");
        }
        final List<String> hosts = new ArrayList<>();
        final Set<String> seen = new HashSet<>();
        hosts.add(host("the name of a client", seen));
        while (!line().equals("endconfig")) {
            hosts.add(host("the name of a client, or endconfig", seen));
        }
        end("endconfig");
        return with(head, "", hosts);
    }

    private static DollyConfig with(final DollyConfig c, final String server, final List<String> hosts) {
        return new DollyConfig(
                c.infile(),
                c.compressedIn(),
                c.splitIn(),
                c.outfile(),
                c.compressedOut(),
                c.splitOutBytes(),
                c.dummy(),
                c.segmentBytes(),
                c.add(),
                c.fanout(),
                c.hyphenNormal(),
                server,
                hosts);
    }

    private boolean compressed() throws ReplicationException {
        return dialect == Dialect.CLASSIC && is("compressed");
    }

    /** Returns what follows the keyword; {@code compressed} may stand before it. */
    private String valueOf(final String keyword, final String expected) throws ReplicationException {
        String text = line();
        if (compressed()) {
            text = text.substring("compressed".length()).strip();
        }
        if (text.equals(keyword)) {
            return "";
        }
        if (!text.startsWith(keyword + " ")) {
            throw bad(expected);
        }
        return text.substring(keyword.length()).strip();
    }

    private AddedLinks add() throws ReplicationException {
        if (!is("add") && !is("add2")) {
            return AddedLinks.NONE;
        }
        final boolean beforeDigit = is("add2");
        final String keyword = beforeDigit ? "add2" : "add";
        final String expected = keyword + " N:SUFFIX{:SUFFIX} with N suffixes, N from 0 (one suffix) to " + MAX_ADDED;
        final Matcher m = ADD.matcher(line().substring(keyword.length()).strip());
        if (!m.matches()) {
            throw bad(expected);
        }
        final int count = Integer.parseInt(m.group(1));
        final List<String> suffixes = List.of(m.group(2).split(":", -1));
        if (count > MAX_ADDED || suffixes.size() != Math.max(1, count) || suffixes.contains("")) {
            throw bad(expected);
        }
        next();
        return new AddedLinks(count, suffixes, beforeDigit);
    }

    private boolean hyphens() throws ReplicationException {
        boolean normal = false;
        if (line().equals("hyphennormal")) {
            normal = true;
            next();
        }
        if (line().equals("hypheninterface")) {
            if (normal) {
                throw bad("either hyphennormal or hypheninterface");
            }
            next();
        }
        return normal;
    }

    private boolean is(final String keyword) throws ReplicationException {
        return line().equals(keyword) || line().startsWith(keyword + " ");
    }

    private String word(final String keyword) throws ReplicationException {
        final String value = is(keyword) ? line().substring(keyword.length()).strip() : "";
        if (value.isEmpty() || value.contains(" ")) {
            throw bad(keyword + " NAME");
        }
        next();
        return value;
    }

    private int number(final String keyword, final int min, final int max) throws ReplicationException {
        final String value = is(keyword) ? line().substring(keyword.length()).strip() : "";
        if (value.matches("[0-9]{1,10}")) {
            final long number = Long.parseLong(value);
            if (number >= min && number <= max) {
                next();
                return (int) number;
            }
        }
        throw bad(keyword + " N with N from " + min + " to " + max);
    }

    private long bytes(final String digits, final String unit) throws ReplicationException {
        final int shift = unit.isEmpty() ? 0 : 10 * ("kMGT".indexOf(unit) + 1);
        try {
            final long value = Math.multiplyExact(Long.parseLong(digits), 1L << shift);
            if (value > 0) {
                return value;
            }
        } catch (final ArithmeticException e) {
            // said below
        }
        throw bad("a size of parts from 1 byte to 8192 T");
    }

    private String host(final String expected, final Set<String> seen) throws ReplicationException {
        final String host = line();
        if (host.isEmpty() || host.equals("endconfig") || host.contains(" ") || host.contains("\t")) {
            throw bad(expected);
        }
        if (!seen.add(host)) {
            throw bad(expected + " that was not named before");
        }
        next();
        return host;
    }

    private void end(final String expected) throws ReplicationException {
        if (!line().equals("endconfig")) {
            throw bad(expected);
        }
        for (at++; at < lines.length; at++) {
            if (!lines[at].isBlank()) {
                throw bad("nothing behind endconfig");
            }
        }
    }

    private void next() {
        at++;
    }

    private String line() throws ReplicationException {
        if (at >= lines.length || (at == lines.length - 1 && lines[at].isEmpty())) {
            throw new ReplicationException(
                    ReplicationException.Category.MISUSE,
                    name + ":" + (at + 1) + ": expected more lines" + (ended ? "" : " and endconfig")
                            + ", found the end");
        }
        if (lines[at].getBytes(StandardCharsets.UTF_8).length > MAX_LINE_BYTES) {
            throw bad("a line of at most " + MAX_LINE_BYTES + " bytes");
        }
        return lines[at].stripTrailing();
    }

    private ReplicationException bad(final String expected) {
        final String found = at < lines.length ? "'" + abbreviate(lines[at]) + "'" : "the end";
        return ReplicationException.misuse(name + ":" + (at + 1) + ": expected " + expected + ", found " + found);
    }

    private static String abbreviate(final String line) {
        return line.length() <= 80 ? line : line.substring(0, 77) + "...";
    }
}
