package io.replicate.core.posix;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import jnr.ffi.Pointer;

/** Reads struct statx (the same layout on every architecture), or asks Java where there is no such call. */
final class StatxCodec {
    /** STATX_BASIC_STATS and STATX_DIOALIGN. */
    static final int MASK = 0x7ff | 0x2000;

    private static final int VALID_MASK = 0;
    private static final int MODE = 28;
    private static final int INODE = 32;
    private static final int SIZE = 40;
    private static final int BLOCKS = 48;
    private static final int MODIFIED_SECONDS = 112;
    private static final int MODIFIED_NANOS = 120;
    private static final int RDEV_MAJOR = 128;
    private static final int RDEV_MINOR = 132;
    private static final int DEV_MAJOR = 136;
    private static final int DEV_MINOR = 140;
    private static final int DIO_MEMORY_ALIGN = 152;
    private static final int DIO_OFFSET_ALIGN = 156;
    private static final int STATX_DIOALIGN = 0x2000;
    private static final int BLOCK_BYTES = 512;
    private static final long SECOND_NS = 1_000_000_000;

    private StatxCodec() {}

    static FileStat decode(Pointer statx) {
        int direct = 0;
        if ((statx.getInt(VALID_MASK) & STATX_DIOALIGN) != 0) {
            direct = Math.max(statx.getInt(DIO_MEMORY_ALIGN), statx.getInt(DIO_OFFSET_ALIGN));
        }
        return new FileStat(
                statx.getShort(MODE) & 0xFFFF,
                statx.getLong(SIZE),
                statx.getLong(BLOCKS) * BLOCK_BYTES,
                device(statx.getInt(DEV_MAJOR), statx.getInt(DEV_MINOR)),
                statx.getLong(INODE),
                statx.getLong(MODIFIED_SECONDS) * SECOND_NS + statx.getInt(MODIFIED_NANOS),
                device(statx.getInt(RDEV_MAJOR), statx.getInt(RDEV_MINOR)),
                direct);
    }

    private static long device(int major, int minor) {
        return ((long) major << 32) | (minor & 0xFFFF_FFFFL);
    }

    static FileStat ofPath(String path) throws PosixException {
        try {
            Map<String, Object> attributes =
                    Files.readAttributes(Path.of(path), "unix:mode,size,dev,ino,lastModifiedTime,rdev");
            return new FileStat(
                    number(attributes, "mode").intValue(),
                    number(attributes, "size").longValue(),
                    -1,
                    splitDevice(number(attributes, "dev").longValue()),
                    number(attributes, "ino").longValue(),
                    modifiedNs(attributes),
                    splitDevice(number(attributes, "rdev").longValue()),
                    0);
        } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
            PosixException failure = new PosixException("stat", path, Errnos.ENOSYS);
            failure.initCause(e);
            throw failure;
        }
    }

    private static long modifiedNs(Map<String, Object> attributes) {
        return attributes.get("lastModifiedTime") instanceof FileTime time ? time.to(TimeUnit.NANOSECONDS) : 0;
    }

    private static Number number(Map<String, Object> attributes, String name) {
        return attributes.get(name) instanceof Number value ? value : 0;
    }

    /** Splits glibc's dev_t as {@code major()} and {@code minor()} do. */
    private static long splitDevice(long dev) {
        long major = ((dev >>> 8) & 0xFFF) | ((dev >>> 32) & 0xFFFF_F000L);
        long minor = (dev & 0xFF) | ((dev >>> 12) & 0xFFFF_FF00L);
        return (major << 32) | minor;
    }
}
