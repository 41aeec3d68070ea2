package io.replicate.nbd.server;

import io.replicate.core.memory.MemoryVolume;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Volume;
import io.replicate.nbd.bitmap.TrackedVolume;
import io.replicate.nbd.protocol.Nbd;
import java.nio.charset.StandardCharsets;

/** A volume under a name, as a server offers it. Immutable; whoever made the volume closes it, after the server. */
public final class Export {
    private final String name;
    private final String description;
    private final TrackedVolume volume;
    private final boolean readOnly;
    private final boolean rotational;
    private final Medium medium;

    private Export(
            String name,
            String description,
            TrackedVolume volume,
            boolean readOnly,
            boolean rotational,
            Medium medium) {
        this.name = name;
        this.description = description;
        this.volume = volume;
        this.readOnly = readOnly;
        this.rotational = rotational;
        this.medium = medium;
    }

    /**
     * Returns the export of a volume whose size is known.
     *
     * @param name at most 4096 bytes of UTF-8 without NUL; empty for the default export.
     * @throws ReplicationException MISUSE when the name or the volume cannot be exported.
     */
    public static Export of(String name, Volume volume) throws ReplicationException {
        if (name.indexOf('\0') >= 0 || name.getBytes(StandardCharsets.UTF_8).length > Nbd.MAX_STRING) {
            throw ReplicationException.misuse("export name: at most 4096 bytes, without NUL");
        }
        if (!volume.geometry().sized() || volume.geometry().sequential()) {
            throw ReplicationException.misuse("export '" + name + "': only a volume of known size that can be read at"
                    + " any place can be exported");
        }
        if (volume.geometry().minIoBytes() > 1 << 16) {
            throw ReplicationException.misuse("export '" + name + "': its blocks of "
                    + volume.geometry().minIoBytes() + " bytes are larger than the protocol allows (65536)");
        }
        final TrackedVolume tracked = TrackedVolume.of(volume);
        return new Export(
                name, "", tracked, volume.readOnly(), false, new Medium(tracked, volume instanceof MemoryVolume));
    }

    /** Returns this export with a description for people, shown in listings. */
    public Export description(String text) {
        return new Export(name, text, volume, readOnly, rotational, medium);
    }

    /** Returns this export closed for writing. */
    public Export readOnly() {
        return new Export(name, description, volume, true, rotational, medium);
    }

    /** Returns this export announced as a rotating disk. */
    public Export rotational() {
        return new Export(name, description, volume, readOnly, true, medium);
    }

    /** Returns the name. */
    public String name() {
        return name;
    }

    /** Returns the description; may be empty. */
    public String description() {
        return description;
    }

    /** Returns the volume with its dirty bitmaps. */
    public TrackedVolume volume() {
        return volume;
    }

    /** Returns whether writes are refused. */
    public boolean isReadOnly() {
        return readOnly;
    }

    /** Returns the size in bytes as clients see it: whole blocks only. */
    public long sizeBytes() {
        return medium.size();
    }

    Medium medium() {
        return medium;
    }

    /** Returns the transmission flags for a client that negotiated these. */
    int transmissionFlags(boolean chunked, boolean extendedWithContexts) {
        int flags = Nbd.FLAG_HAS_FLAGS
                | Nbd.FLAG_SEND_FLUSH
                | Nbd.FLAG_SEND_FUA
                | Nbd.FLAG_CAN_MULTI_CONN
                | Nbd.FLAG_SEND_CACHE;
        if (readOnly) {
            flags |= Nbd.FLAG_READ_ONLY;
        } else {
            flags |= Nbd.FLAG_SEND_TRIM | Nbd.FLAG_SEND_WRITE_ZEROES | Nbd.FLAG_SEND_FAST_ZERO;
        }
        if (rotational) {
            flags |= Nbd.FLAG_ROTATIONAL;
        }
        if (chunked) {
            flags |= Nbd.FLAG_SEND_DF;
        }
        if (extendedWithContexts) {
            flags |= Nbd.FLAG_BLOCK_STATUS_PAYLOAD;
        }
        return flags;
    }

    @Override
    public String toString() {
        return "export '" + name + "'";
    }
}
