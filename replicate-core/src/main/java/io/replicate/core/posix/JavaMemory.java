package io.replicate.core.posix;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Memory by address without a native library, for {@link JavaPosix}: {@code sun.misc.Unsafe}, found by name because
 * it may be absent from a JDK to come.
 */
final class JavaMemory {
    private static final long ARRAY_BASE = 16; // checked in the constructor

    private final MethodHandle copy;
    private final MethodHandle getLong;
    private final long addressField;

    private JavaMemory(MethodHandle copy, MethodHandle getLong, long addressField) {
        this.copy = copy;
        this.getLong = getLong;
        this.addressField = addressField;
    }

    /** Throws UnsupportedOperationException where the JDK offers no such memory. */
    static JavaMemory find() {
        try {
            Class<?> type = Class.forName("sun.misc.Unsafe");
            Field instance = type.getDeclaredField("theUnsafe");
            instance.setAccessible(true);
            Object unsafe = instance.get(null);
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            MethodHandle base =
                    lookup.findVirtual(type, "arrayBaseOffset", MethodType.methodType(int.class, Class.class));
            if ((int) base.bindTo(unsafe).invoke(byte[].class) != ARRAY_BASE) {
                throw new UnsupportedOperationException("unusual array layout");
            }
            MethodHandle field =
                    lookup.findVirtual(type, "objectFieldOffset", MethodType.methodType(long.class, Field.class));
            MethodHandle copy = lookup.findVirtual(
                    type,
                    "copyMemory",
                    MethodType.methodType(void.class, Object.class, long.class, Object.class, long.class, long.class));
            MethodHandle getLong =
                    lookup.findVirtual(type, "getLong", MethodType.methodType(long.class, Object.class, long.class));
            return new JavaMemory(copy.bindTo(unsafe), getLong.bindTo(unsafe), (long)
                    field.bindTo(unsafe).invoke(Buffer.class.getDeclaredField("address")));
        } catch (Throwable e) {
            throw new UnsupportedOperationException("no memory access by address: neither jnr-ffi nor Unsafe works", e);
        }
    }

    long addressOf(ByteBuffer direct) {
        if (!direct.isDirect()) {
            throw new IllegalArgumentException("only a direct buffer has an address");
        }
        try {
            return (long) getLong.invokeExact((Object) direct, addressField);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    void copy(long from, long to, long length) {
        copy(null, from, null, to, length);
    }

    void toArray(long address, byte[] target, int length) {
        copy(null, address, target, ARRAY_BASE, length);
    }

    void fromArray(byte[] source, long address, int length) {
        copy(source, ARRAY_BASE, null, address, length);
    }

    private void copy(@Nullable Object from, long fromOffset, @Nullable Object to, long toOffset, long length) {
        try {
            copy.invokeExact(from, fromOffset, to, toOffset, length);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}
