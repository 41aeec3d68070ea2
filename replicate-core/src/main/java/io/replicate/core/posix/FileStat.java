package io.replicate.core.posix;

/**
 * What {@code statx} says about an open file.
 *
 * @param mode           file type and permissions, as {@code st_mode}
 * @param sizeBytes      the size of a regular file; 0 for a device
 * @param allocatedBytes the bytes of storage it occupies, or -1 if unknown
 * @param device         the file system it is on, {@code major << 32 | minor}
 * @param inode          its number there
 * @param modifiedNs     the time of the last change of its content, in nanoseconds since 1970
 * @param specialDevice  for a device node the device it stands for, {@code major << 32 | minor}; 0 otherwise
 * @param directAlignment the alignment in bytes of address, offset and length that O_DIRECT asks for, or 0 if unknown
 */
public record FileStat(
        int mode,
        long sizeBytes,
        long allocatedBytes,
        long device,
        long inode,
        long modifiedNs,
        long specialDevice,
        int directAlignment) {
    private static final int TYPE_MASK = 0xF000;

    public boolean isRegularFile() {
        return (mode & TYPE_MASK) == 0x8000;
    }

    public boolean isBlockDevice() {
        return (mode & TYPE_MASK) == 0x6000;
    }

    public boolean isDirectory() {
        return (mode & TYPE_MASK) == 0x4000;
    }

    public boolean isFifo() {
        return (mode & TYPE_MASK) == 0x1000;
    }

    public boolean isSocket() {
        return (mode & TYPE_MASK) == 0xC000;
    }

    /** Returns whether both are the same storage: the same inode, or two nodes of the same block device. */
    public boolean isSameStorage(FileStat other) {
        if (isBlockDevice() && other.isBlockDevice()) {
            return specialDevice == other.specialDevice;
        }
        return device == other.device && inode == other.inode;
    }
}
