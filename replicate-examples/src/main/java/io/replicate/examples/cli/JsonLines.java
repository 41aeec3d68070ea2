package io.replicate.examples.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Map;

/** Prints one JSON object per line, for machines. The first member of an event is {@code event}. Thread-safe. */
final class JsonLines {
    private final ObjectMapper mapper = new ObjectMapper();
    private final PrintWriter out;

    JsonLines(final PrintWriter out) {
        this.out = out;
    }

    /** Prints an event; values are strings, numbers, booleans, nulls, lists and maps of these. */
    synchronized void event(final String name, final Map<String, ?> members) {
        final Map<String, Object> object = new LinkedHashMap<>();
        object.put("event", name);
        object.putAll(members);
        print(object);
    }

    /** Prints a result that is no event. */
    synchronized void print(final Map<String, ?> object) {
        try {
            out.println(mapper.writeValueAsString(object));
        } catch (final JsonProcessingException e) {
            throw new IllegalStateException("not JSON: " + object, e);
        }
        out.flush();
    }
}
