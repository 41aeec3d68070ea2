package io.replicate.core.posix;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Real system calls, of which some answer as a test wishes; and a record of what was called. */
final class Faults {
    /** Answers instead of the call, or passes it on by returning null. */
    interface Answer {
        @Nullable
        Object answer(Object[] arguments) throws Throwable;
    }

    private final Map<String, Answer> answers = new ConcurrentHashMap<>();
    private final List<String> calls = Collections.synchronizedList(new ArrayList<>());
    private final Posix posix;

    Faults() {
        this(Posix.get());
    }

    Faults(Posix real) {
        posix = over(Posix.class, real);
    }

    private <T> T over(Class<T> type, T real) {
        Object proxy = Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (self, method, arguments) -> call(real, method, arguments));
        return type.cast(proxy);
    }

    private @Nullable Object call(Object real, Method method, Object @Nullable [] arguments) throws Throwable {
        Object[] given = arguments == null ? new Object[0] : arguments;
        calls.add(method.getName());
        Answer answer = answers.get(method.getName());
        Object result = answer == null ? null : answer.answer(given);
        if (result != null) {
            return result;
        }
        try {
            return method.invoke(real, given);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    Posix posix() {
        return posix;
    }

    Faults on(String call, Answer answer) {
        answers.put(call, answer);
        return this;
    }

    /** Makes an int call fail. */
    Faults fail(String call, int errno) {
        return on(call, arguments -> -errno);
    }

    /** Makes a long call fail. */
    Faults failLong(String call, int errno) {
        return on(call, arguments -> (long) -errno);
    }

    Faults heal(String call) {
        answers.remove(call);
        return this;
    }

    long count(String call) {
        synchronized (calls) {
            return calls.stream().filter(call::equals).count();
        }
    }
}
