package io.replicate.cas.keep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.Unpooled;
import io.replicate.core.spi.ReplicationException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IndexParserTest {
    private static final String FOO = "acbd18db4cc2f85cedef654fccc4a4d8";

    private static List<String> parse(final String prefix, final String... pieces) throws ReplicationException {
        final List<String> lines = new ArrayList<>();
        final IndexParser parser = new IndexParser(
                "test",
                prefix,
                (hash, size, mtime) -> lines.add(HexFormat.of().formatHex(hash) + "+" + size + " " + mtime));
        for (final String piece : pieces) {
            parser.feed(Unpooled.copiedBuffer(piece, StandardCharsets.ISO_8859_1));
        }
        parser.finish();
        return lines;
    }

    @Test
    void readsNanosecondsAndSeconds() throws ReplicationException {
        assertThat(parse("", FOO + "+3 1466640000\n" + FOO + "+3 1466640000123456789\n\n"))
                .containsExactly(FOO + "+3 1466640000000000000", FOO + "+3 1466640000123456789");
    }

    @Test
    void anEmptyIndexIsOneLineFeed() throws ReplicationException {
        assertThat(parse("", "\n")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                FOO + "+3 1",
                FOO + "+3 1\n",
                FOO + "+3\n\n",
                FOO + " 1\n\n",
                FOO + "+3 1 2\n\n",
                FOO + "+ 1\n\n",
                FOO + "+3 \n\n",
                FOO + "+x 1\n\n",
                FOO + "+3 x\n\n",
                FOO + "+3  1\n\n",
                "ACBD18DB4CC2F85CEDEF654FCCC4A4D8+3 1\n\n",
                "acbd+3 1\n\n",
                FOO + "+3 1\n\n\n",
                "\n" + FOO + "+3 1\n",
                "<html><body>503</body></html>\n\n",
                FOO + "+99999999999999999999 1\n\n"
            })
    void refusesWhatIsNoCompleteIndex(final String text) {
        assertThatThrownBy(() -> parse("", text)).isInstanceOf(ReplicationException.class);
    }

    @Test
    void refusesHashesOfAnotherPrefix() {
        assertThatThrownBy(() -> parse("acc", FOO + "+3 1\n\n")).hasMessageContaining("prefix 'acc'");
    }

    @Test
    void refusesEndlessLinesBeforeTheyFillTheMemory() {
        assertThatThrownBy(() -> parse("", "a".repeat(1 << 20))).hasMessageContaining("more than");
    }

    @Property
    void truncationAtEveryByteNeverPassesAsComplete(
            @ForAll final long seed, @ForAll @IntRange(min = 0, max = 6) final int count) throws ReplicationException {
        final String whole = index(new Random(seed), count);
        assertThat(parse("", whole)).hasSize(count);
        for (int cut = 0; cut < whole.length(); cut++) {
            final String part = whole.substring(0, cut);
            assertThatThrownBy(() -> parse("", part)).isInstanceOf(ReplicationException.class);
        }
    }

    @Property
    void piecesMakeNoDifference(@ForAll final long seed, @ForAll @IntRange(min = 1, max = 90) final int piece)
            throws ReplicationException {
        final String whole = index(new Random(seed), 5);
        final List<String> pieces = new ArrayList<>();
        for (int at = 0; at < whole.length(); at += piece) {
            pieces.add(whole.substring(at, Math.min(whole.length(), at + piece)));
        }

        assertThat(parse("", pieces.toArray(new String[0]))).isEqualTo(parse("", whole));
    }

    private static String index(final Random random, final int count) {
        final StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            text.append(String.format(
                    "%016x%016x+%d %d%n",
                    random.nextLong(), random.nextLong(), random.nextInt(1 << 26), random.nextInt(1 << 30)));
        }
        return text + "\n";
    }
}
