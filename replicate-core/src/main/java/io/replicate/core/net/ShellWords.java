package io.replicate.core.net;

import io.replicate.core.spi.ReplicationException;
import java.util.ArrayList;
import java.util.List;

/** Splits a command into words as a POSIX shell does, without expanding anything. */
final class ShellWords {

    private ShellWords() {}

    /**
     * Splits at blanks. Single quotes keep everything; double quotes keep everything but a backslash before {@code "} or
     * {@code \}; outside of quotes a backslash keeps the next character.
     *
     * @throws ReplicationException MISUSE when a quote is not closed or a backslash is the last character.
     */
    static List<String> split(final String command) throws ReplicationException {
        final List<String> words = new ArrayList<>();
        final StringBuilder word = new StringBuilder();
        boolean inWord = false;
        char quote = 0;
        for (int i = 0; i < command.length(); i++) {
            final char c = command.charAt(i);
            if (c == '\\' && quote != '\'') {
                if (i + 1 == command.length()) {
                    throw ReplicationException.misuse("command '" + command + "': it ends with a backslash");
                }
                final char next = command.charAt(++i);
                if (quote == '"' && next != '"' && next != '\\') {
                    word.append(c);
                }
                word.append(next);
                inWord = true;
            } else if (quote != 0) {
                if (c == quote) {
                    quote = 0;
                } else {
                    word.append(c);
                }
            } else if (c == '\'' || c == '"') {
                quote = c;
                inWord = true;
            } else if (c == ' ' || c == '\t' || c == '\n') {
                if (inWord) {
                    words.add(word.toString());
                    word.setLength(0);
                    inWord = false;
                }
            } else {
                word.append(c);
                inWord = true;
            }
        }
        if (quote != 0) {
            throw ReplicationException.misuse("command '" + command + "': a quote (" + quote + ") is not closed");
        }
        if (inWord) {
            words.add(word.toString());
        }
        return words;
    }
}
