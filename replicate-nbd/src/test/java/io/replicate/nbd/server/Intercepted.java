package io.replicate.nbd.server;

import io.replicate.core.spi.Volume;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

/** A volume whose calls a test sees, holds up or lets fail before they reach the real one. */
final class Intercepted {
    /** Sees a call before it is made. */
    interface Step {
        void at(String call, Object[] arguments) throws IOException;
    }

    private Intercepted() {}

    static Volume volume(Volume real, Step step) {
        return (Volume) Proxy.newProxyInstance(
                Volume.class.getClassLoader(), new Class<?>[] {Volume.class}, (self, method, arguments) -> {
                    step.at(method.getName(), arguments == null ? new Object[0] : arguments);
                    try {
                        return method.invoke(real, arguments);
                    } catch (final InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }
}
