package io.replicate.core.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.ReplicationException;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class ShellWordsTest {

    @Test
    void wordsAreSplitAsAShellSplitsThem() throws Exception {
        assertThat(ShellWords.split("  ssh -p 22\tnode1 'a  b' \"c 'd' \\\" \\\\ \\e\" f\\ g '' x'y'\"z\" "))
                .containsExactly("ssh", "-p", "22", "node1", "a  b", "c 'd' \" \\ \\e", "f g", "", "xyz");
        assertThat(ShellWords.split(" ")).isEmpty();
    }

    @Property
    void quotedWordsComeBackAsTheyWere(@ForAll final List<String> words) throws Exception {
        final StringBuilder command = new StringBuilder();
        for (final String word : words) {
            command.append('\'').append(word.replace("'", "'\\''")).append("' ");
        }

        assertThat(ShellWords.split(command.toString())).isEqualTo(words);
    }

    @Test
    void whatIsLeftOpenIsRefused() {
        for (final String open : List.of("a 'b", "a \"b", "a \\")) {
            assertThatThrownBy(() -> ShellWords.split(open))
                    .isInstanceOf(ReplicationException.class)
                    .hasMessageContaining(open);
        }
    }
}
