package io.replicate.cas.keep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Unit;
import java.util.List;
import java.util.regex.Pattern;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class KeepLocatorTest {
    private static final Pattern GRAMMAR = Pattern.compile("[0-9a-f]{32}(\\+[0-9]{1,18})?(\\+[A-Z][-A-Za-z0-9@_]*)*");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "acbd18db4cc2f85cedef654fccc4a4d8",
                "acbd18db4cc2f85cedef654fccc4a4d8+3",
                "d41d8cd98f00b204e9800998ecf8427e+0",
                "acbd18db4cc2f85cedef654fccc4a4d8+3+K@xyzzy",
                "acbd18db4cc2f85cedef654fccc4a4d8+3+Z+Aabc_-@99+K@zzzzz-bi6l4-000000000000000",
                "acbd18db4cc2f85cedef654fccc4a4d8+3+Rzzzzz-a9ea38107ec0ad86392ca3d9231b99089ff0d6cc@7fffffff",
                "acbd18db4cc2f85cedef654fccc4a4d8+K@xyzzy"
            })
    void acceptsWhatTheGrammarAllows(final String text) throws ReplicationException {
        assertThat(KeepLocator.parse(text)).hasToString(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "foo",
                "ACBD18DB4CC2F85CEDEF654FCCC4A4D8+3",
                "acbd18db4cc2f85cedef654fccc4a4d+3",
                "acbd18db4cc2f85cedef654fccc4a4d8a+3",
                "acbd18db4cc2f85cedef654fccc4a4d8+",
                "acbd18db4cc2f85cedef654fccc4a4d8++K@xyzzy",
                "acbd18db4cc2f85cedef654fccc4a4d8+3+",
                "acbd18db4cc2f85cedef654fccc4a4d8+3+12345",
                "acbd18db4cc2f85cedef654fccc4a4d8+3+kxyzzy",
                "acbd18db4cc2f85cedef654fccc4a4d8+Z+3",
                "acbd18db4cc2f85cedef654fccc4a4d8+-3",
                "acbd18db4cc2f85cedef654fccc4a4d8+3+K%",
                "acbd18db4cc2f85cedef654fccc4a4d8 +3",
                "acbd18db4cc2f85cedef654fccc4a4d8+99999999999999999999"
            })
    void refusesEverythingElse(final String text) {
        assertThatThrownBy(() -> KeepLocator.parse(text)).isInstanceOf(ReplicationException.class);
    }

    @Test
    void aLenientReaderTakesAnythingBehindTheHash() throws ReplicationException {
        assertThat(KeepLocator.parseLenient("acbd18db4cc2f85cedef654fccc4a4d8+foo+3")
                        .sizeBytes())
                .isEqualTo(Unit.UNKNOWN);
        assertThat(KeepLocator.parseLenient("acbd18db4cc2f85cedef654fccc4a4d8+3+x")
                        .sizeBytes())
                .isEqualTo(3);
    }

    @Test
    void tellsServiceHints() throws ReplicationException {
        final KeepLocator locator = KeepLocator.parse("acbd18db4cc2f85cedef654fccc4a4d8+3+K@abcde+Zx+K@fghij");

        assertThat(locator.serviceHints()).containsExactly("abcde", "fghij");
        assertThat(locator.bare()).isEqualTo("acbd18db4cc2f85cedef654fccc4a4d8+3");
    }

    @Test
    void aMessageShowsNoSignature() {
        assertThatThrownBy(() -> KeepLocator.parse(
                        "acbd18db4cc2f85cedef654fccc4a4d8+3+Aa9ea38107ec0ad86392ca3d9231b99089ff0d6cc@7fffffff+"))
                .isInstanceOf(ReplicationException.class)
                .hasMessageNotContaining("a9ea38107ec0");
    }

    @Provide
    Arbitrary<String> almostLocators() {
        final Arbitrary<String> hash = Arbitraries.strings()
                .withChars("0123456789abcdefG")
                .ofMinLength(31)
                .ofMaxLength(33);
        final Arbitrary<String> rest =
                Arbitraries.of("", "+", "+3", "+12", "+A1@2", "+Zz", "+z", "+K@x_y-z", "+é", "+3 ");
        return net.jqwik.api.Combinators.combine(hash, rest, rest, rest).as((h, a, b, c) -> h + a + b + c);
    }

    @Property
    void acceptsExactlyTheGrammar(@ForAll("almostLocators") final String text) {
        boolean accepted;
        try {
            accepted = KeepLocator.parse(text).toString().equals(text);
        } catch (final ReplicationException e) {
            accepted = false;
        }
        assertThat(accepted).isEqualTo(GRAMMAR.matcher(text).matches());
    }

    @Property
    void printsWhatItParsed(@ForAll("almostLocators") final String text) throws ReplicationException {
        if (GRAMMAR.matcher(text).matches()) {
            final KeepLocator locator = KeepLocator.parse(text);
            assertThat(new KeepLocator(locator.hash(), locator.sizeBytes(), List.copyOf(locator.hints())))
                    .hasToString(text);
        }
    }
}
