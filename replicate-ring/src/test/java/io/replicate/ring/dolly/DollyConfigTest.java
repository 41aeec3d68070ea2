package io.replicate.ring.dolly;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.ReplicationException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

class DollyConfigTest {
    private static DollyConfig classic(final String text) throws ReplicationException {
        return DollyConfig.parse("cfg", text.getBytes(StandardCharsets.UTF_8), Dialect.CLASSIC);
    }

    private static DollyConfig modern(final String text) throws ReplicationException {
        return DollyConfig.parse("cfg", text.getBytes(StandardCharsets.UTF_8), Dialect.MODERN);
    }

    private static final String HOSTS = "server s\nfirstclient a\nlastclient b\nclients 2\na\nb\nendconfig\n";

    @Example
    void everyClassicKeywordIsUnderstood() throws Exception {
        final DollyConfig config = classic("compressed infile /dev/sda1.gz split\ncompressed outfile /x/y split 650M\n"
                + "segsize 1400\nadd2 2:-eth:-ib\nfanout 1\nhyphennormal\n" + HOSTS);

        assertThat(config.infile()).isEqualTo("/dev/sda1.gz");
        assertThat(config.compressedIn() && config.splitIn() && config.compressedOut() && config.hyphenNormal())
                .isTrue();
        assertThat(config.outfile()).isEqualTo("/x/y");
        assertThat(config.splitOutBytes()).isEqualTo(650L << 20);
        assertThat(config.segmentBytes()).isEqualTo(1400);
        assertThat(config.add()).isEqualTo(new AddedLinks(2, List.of("-eth", "-ib"), true));
        assertThat(config.server()).isEqualTo("s");
        assertThat(config.hosts()).containsExactly("a", "b");
        assertThat(classic("dummy 12\n" + HOSTS).dummy()).isEqualTo(new DollyConfig.Dummy(12));
        assertThat(classic("infile i\noutfile o\nhypheninterface\n" + HOSTS).hyphenNormal())
                .isFalse();
        assertThat(classic("infile i\noutfile o\nfanout 3\n" + HOSTS).fanout()).isEqualTo(3);
    }

    @Example
    void modernConfigurationHasHostsOnly() throws Exception {
        final DollyConfig config = modern("infile \noutfile /x\nhyphennormal\na\nb\nendconfig\n");

        assertThat(config.infile()).isEmpty();
        assertThat(config.hosts()).containsExactly("a", "b");
        assertThat(config.server()).isEmpty();
    }

    @Example
    void suffixesOfAddedLinksStandAtTheEndOrBeforeTheFirstDigit() {
        assertThat(new AddedLinks(1, List.of("-b"), false).nameOf("node12", 1)).isEqualTo("node12-b");
        assertThat(new AddedLinks(1, List.of("-b"), true).nameOf("node12", 1)).isEqualTo("node-b12");
        assertThat(new AddedLinks(1, List.of("-b"), false).nameOf("node12", 0)).isEqualTo("node12");
        assertThat(new AddedLinks(0, List.of("-b"), false).nameOf("node12", 0)).isEqualTo("node12-b");
    }

    @Property(tries = 50)
    void mistakesNameFileLineAndExpectation(@ForAll("mistakes") final String[] mistake) {
        assertThatThrownBy(() -> classic(mistake[0]))
                .isInstanceOf(ReplicationException.class)
                .hasMessageStartingWith("cfg:" + mistake[1] + ": expected ")
                .hasMessageContaining(", found ");
    }

    @Provide
    Arbitrary<String[]> mistakes() {
        final String head = "infile i\noutfile o\n";
        return Arbitraries.of(
                new String[] {"", "1"},
                new String[] {"# comment\n" + head + HOSTS, "1"},
                new String[] {"outfile o\n", "1"},
                new String[] {"infile\n", "1"},
                new String[] {"infile i\nfanout 2\n", "2"},
                new String[] {"infile i\noutfile o split\n" + HOSTS, "2"},
                new String[] {"infile i\noutfile o split 0M\n" + HOSTS, "2"},
                new String[] {"infile i\noutfile o split 5X\n" + HOSTS, "2"},
                new String[] {head + "segsize x\n" + HOSTS, "3"},
                new String[] {head + "fanout 9\n" + HOSTS, "3"},
                new String[] {head + "fanout 0\n" + HOSTS, "3"},
                new String[] {head + "fanout 2\nsegsize 1400\n" + HOSTS, "4"},
                new String[] {head + "add 2:-x\n" + HOSTS, "3"},
                new String[] {head + "add 1:-x\nfanout 2\n" + HOSTS, "4"},
                new String[] {head + "a\nb\nendconfig\n", "3"},
                new String[] {head + "server s\nlastclient b\n", "4"},
                new String[] {head + HOSTS.replace("firstclient a", "firstclient b"), "4"},
                new String[] {head + HOSTS.replace("lastclient b", "lastclient c"), "5"},
                new String[] {head + HOSTS.replace("clients 2", "clients 3"), "9"},
                new String[] {
                    head + HOSTS.replace("clients 2", "clients 1").replace("lastclient b", "lastclient a"), "8"
                },
                new String[] {head + HOSTS.replace("\nb\n", "\na\n").replace("lastclient b", "lastclient a"), "8"},
                new String[] {head + HOSTS.replace("endconfig\n", ""), "9"},
                new String[] {head + HOSTS + "more\n", "10"},
                new String[] {"infile " + "x".repeat(260) + "\n", "1"});
    }

    @Property
    void whatIsGeneratedIsRead(
            @ForAll("paths") final String infile,
            @ForAll("paths") final String outfile,
            @ForAll("hosts") final Set<String> hosts,
            @ForAll final Dialect dialect)
            throws Exception {
        final String server = dialect == Dialect.CLASSIC ? "s" : "";
        final DollyConfig config = DollyConfig.of(infile, outfile, server, List.copyOf(hosts));

        final byte[] text = config.generate(dialect);

        assertThat(DollyConfig.parse("x", text, dialect)).isEqualTo(config);
        assertThat(DollyConfig.dialectOf(text)).isEqualTo(dialect);
    }

    @Property
    void noTextBreaksTheParser(@ForAll final byte[] text, @ForAll final Dialect dialect) {
        try {
            DollyConfig.parse("x", text, dialect);
        } catch (final ReplicationException e) {
            assertThat(e).hasMessageStartingWith("x:");
        }
    }

    @Provide
    Arbitrary<String> paths() {
        return Arbitraries.strings()
                .withCharRange('a', 'z')
                .withChars("/._-")
                .ofMinLength(1)
                .ofMaxLength(60);
    }

    @Provide
    Arbitrary<Set<String>> hosts() {
        return Arbitraries.strings()
                .withCharRange('a', 'z')
                .numeric()
                .withChars(".-")
                .ofMinLength(3)
                .ofMaxLength(20)
                .filter(host -> !host.equals("server") && !host.equals("add") && !host.equals("endconfig"))
                .set()
                .ofMinSize(1)
                .ofMaxSize(40)
                .map(LinkedHashSet::new);
    }

    @Property
    void everyNodeHasOneParentAndTheTreeReachesAll(
            @ForAll("sizes") final int nodes, @ForAll("fanouts") final int fanout) {
        final Topology topology = new Topology(nodes, fanout);
        final Set<Integer> reached = new LinkedHashSet<>();
        for (final int child : topology.childrenOf(Topology.SERVER)) {
            assertThat(topology.parentOf(child)).isEqualTo(Topology.SERVER);
            reached.addAll(topology.subtree(child));
        }

        assertThat(reached).hasSize(nodes);
        for (int me = 0; me < nodes; me++) {
            for (final int child : topology.childrenOf(me)) {
                assertThat(topology.parentOf(child)).isEqualTo(me);
            }
        }
    }

    @Provide
    Arbitrary<Integer> sizes() {
        return Arbitraries.integers().between(1, 300);
    }

    @Provide
    Arbitrary<Integer> fanouts() {
        return Arbitraries.integers().between(1, 8);
    }
}
