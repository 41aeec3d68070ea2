package io.replicate.core.memory;

import io.replicate.core.spi.Extent;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Sink;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Volumes in memory by name. Safe for use by any thread. */
public final class MemoryStore {
    private static final MemoryStore SHARED = new MemoryStore();

    private final Map<String, MemoryVolume> volumes = new ConcurrentHashMap<>();
    private final Map<String, MemorySession> sessions = new ConcurrentHashMap<>();
    private final Map<String, MemoryVolume> halfMade = new ConcurrentHashMap<>();

    /** Returns the store of the process, in which {@code mem:} looks. */
    public static MemoryStore shared() {
        return SHARED;
    }

    /**
     * Returns a volume, which is made, all zeros, if there is none.
     *
     * @throws ReplicationException MISUSE when it exists with another size.
     */
    public MemoryVolume volume(final String name, final long sizeBytes) throws ReplicationException {
        final MemoryVolume volume = volumes.computeIfAbsent(name, absent -> new MemoryVolume(name, sizeBytes));
        if (volume.geometry().sizeBytes() != sizeBytes) {
            throw ReplicationException.misuse(
                    "mem:" + name + " exists with " + volume.geometry().sizeBytes() + " bytes, not " + sizeBytes);
        }
        return volume;
    }

    /** Returns the volume of this name, if there is one. */
    public Optional<MemoryVolume> find(final String name) {
        return Optional.ofNullable(volumes.get(name));
    }

    /** Lets the volume of this name go, with what is half made of it. */
    public void remove(final String name) {
        volumes.remove(name);
        halfMade.keySet().removeIf(key -> key.startsWith(name + "\0"));
    }

    /**
     * Returns a sink that replaces the volume of this name as one, on commit; whoever has the former volume open keeps
     * it.
     */
    public Sink<Extent> sink(final String name) {
        return new MemorySink(this, name);
    }

    Map<String, MemoryVolume> volumes() {
        return volumes;
    }

    /** The sessions under way, by name. */
    Map<String, MemorySession> sessions() {
        return sessions;
    }

    /** What sessions with a resume key have left, by name, NUL, key. */
    Map<String, MemoryVolume> halfMade() {
        return halfMade;
    }
}
