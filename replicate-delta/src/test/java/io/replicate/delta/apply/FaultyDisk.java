package io.replicate.delta.apply;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A disk whose power can fail at any operation. What was written since the last sync of a file is then, sector by
 * sector, there in any of its versions: lost, torn or overtaken by a later write. Names made since the last sync of the
 * directory are there up to any point.
 */
final class FaultyDisk {
    private static final int SECTOR = 512;

    private final Map<String, Inode> names = new TreeMap<>();
    private final Map<String, Inode> durableNames = new TreeMap<>();
    private final List<Runnable> nameChanges = new ArrayList<>();
    private Inode image;
    private Inode durableImage;
    private @Nullable Inode clone;
    private @Nullable Inode durableClone;
    private boolean syncFails;
    private long operations;
    private long failAt = Long.MAX_VALUE;
    private long capacity = Long.MAX_VALUE;

    FaultyDisk(final byte[] imageContent) {
        image = new Inode();
        image.set(imageContent);
        image.durable = imageContent.clone();
        durableImage = image;
    }

    /** The power has failed. */
    static final class PowerFailure extends IOException {
        private static final long serialVersionUID = 1L;

        PowerFailure() {
            super("power failure");
        }
    }

    /** Lets the power fail at this operation, counted from now. */
    void failAt(final long operation) {
        operations = 0;
        failAt = operation;
    }

    /** Bounds how many bytes the state may have. */
    void capacity(final long bytes) {
        capacity = bytes;
    }

    /** Lets every sync of the state fail as a disk does that lost what was written. */
    void syncFails(final boolean fails) {
        syncFails = fails;
    }

    long operations() {
        return operations;
    }

    private void step() throws PowerFailure {
        if (operations >= failAt) {
            throw new PowerFailure();
        }
        operations++;
    }

    byte[] imageNow() {
        return image.content();
    }

    /** Turns the power off and on: only what is durable, and a part of what was not, is left. */
    void crash(final Random random) {
        failAt = Long.MAX_VALUE;
        final int kept = nameChanges.isEmpty() ? 0 : random.nextInt(nameChanges.size() + 1);
        nameChanges.subList(0, kept).forEach(Runnable::run);
        nameChanges.clear();
        names.clear();
        names.putAll(durableNames);
        names.values().forEach(inode -> inode.crash(random));
        image = durableImage;
        clone = durableClone;
        image.crash(random);
        if (clone != null) {
            clone.crash(random);
        }
    }

    private record Write(int offset, byte[] bytes) {}

    private static final class Inode {
        private byte[] now = new byte[0]; // with room to grow, which is zero
        private int size;
        private byte[] durable = new byte[0];
        private final List<Write> writes = new ArrayList<>();
        private final List<Integer> sizes = new ArrayList<>();

        void set(final byte[] content) {
            now = content.clone();
            size = content.length;
        }

        byte[] content() {
            return Arrays.copyOf(now, size);
        }

        void resize(final int bytes) {
            if (bytes > now.length) {
                now = Arrays.copyOf(now, Math.max(bytes, 2 * now.length));
            }
            if (bytes < size) {
                Arrays.fill(now, bytes, size, (byte) 0);
            }
            size = bytes;
            sizes.add(bytes);
        }

        void put(final int offset, final byte[] bytes) {
            if (size < offset + bytes.length) {
                resize(offset + bytes.length);
            }
            System.arraycopy(bytes, 0, now, offset, bytes.length);
            writes.add(new Write(offset, bytes));
        }

        void sync() {
            if (!writes.isEmpty() || !sizes.isEmpty()) {
                durable = content();
            }
            writes.clear();
            sizes.clear();
        }

        /** Each sector has seen some of its writes, from none to all, and the size is one of those it had. */
        void crash(final Random random) {
            sizes.add(durable.length);
            final byte[] result = Arrays.copyOf(durable, Math.max(size, durable.length));
            final Map<Integer, List<Write>> bySector = new TreeMap<>();
            for (final Write write : writes) {
                final int last = (write.offset + write.bytes.length - 1) / SECTOR;
                for (int sector = write.offset / SECTOR; sector <= last; sector++) {
                    bySector.computeIfAbsent(sector, s -> new ArrayList<>()).add(write);
                }
            }
            bySector.forEach((sector, all) -> {
                for (final Write write : all.subList(0, random.nextInt(all.size() + 1))) {
                    final int from = Math.max(write.offset, sector * SECTOR);
                    final int to =
                            Math.min(Math.min(write.offset + write.bytes.length, (sector + 1) * SECTOR), result.length);
                    if (to > from) {
                        System.arraycopy(write.bytes, from - write.offset, result, from, to - from);
                    }
                }
            });
            set(Arrays.copyOf(result, sizes.get(random.nextInt(sizes.size()))));
            durable = content();
            writes.clear();
            sizes.clear();
        }
    }

    private void write(final Inode inode, final long offset, final ByteBuffer from) throws IOException {
        final int length = from.remaining();
        final int end = (int) offset + length;
        // A large write is several for the disk: the power may fail in the middle of it.
        while (from.hasRemaining()) {
            step();
            final int n = Math.min(from.remaining(), 8 * SECTOR);
            final int at = end - from.remaining();
            final byte[] bytes = new byte[n];
            from.get(bytes);
            inode.put(at, bytes);
        }
    }

    private static void read(final Inode inode, final long offset, final ByteBuffer into) throws IOException {
        if (offset + into.remaining() > inode.size) {
            throw new IOException("read at " + offset + " of " + into.remaining() + ": the file has " + inode.size);
        }
        into.put(inode.now, (int) offset, into.remaining());
    }

    /** Returns the image as a target. */
    TargetImage image() {
        return target(image);
    }

    private TargetImage target(final Inode inode) {
        return new TargetImage() {
            @Override
            public long size() {
                return inode.size;
            }

            @Override
            public void read(final long offset, final ByteBuffer into) throws IOException {
                FaultyDisk.read(inode, offset, into);
            }

            @Override
            public void write(final long offset, final ByteBuffer from) throws IOException {
                FaultyDisk.this.write(inode, offset, from);
            }

            @Override
            public void flush() throws IOException {
                step();
                inode.sync();
            }

            @Override
            public void close() {}
        };
    }

    /** Returns who clones the image, as a file system does that can share storage. */
    Cloner cloner() {
        return new Cloner() {
            @Override
            public TargetImage make() throws IOException {
                step();
                final Inode made = new Inode();
                made.set(image.content());
                made.durable = image.content();
                clone = made;
                nameChanges.add(() -> durableClone = made);
                step();
                applyNames();
                return target(made);
            }

            @Override
            public long cloneId() {
                return clone == null ? 0 : System.identityHashCode(clone);
            }

            @Override
            public long targetId() {
                return System.identityHashCode(image);
            }

            @Override
            public void publish() throws IOException {
                step();
                final Inode published = java.util.Objects.requireNonNull(clone);
                image = published;
                clone = null;
                nameChanges.add(() -> {
                    durableImage = published;
                    durableClone = null;
                });
                step();
                applyNames();
            }

            @Override
            public void discard() throws IOException {
                step();
                clone = null;
                nameChanges.add(() -> durableClone = null);
            }

            @Override
            public TargetImage reopen() {
                return target(image);
            }
        };
    }

    private void applyNames() {
        nameChanges.forEach(Runnable::run);
        nameChanges.clear();
    }

    /** Returns the directory of the state. */
    StateDirectory directory() {
        return new StateDirectory() {
            @Override
            public List<String> names() {
                return List.copyOf(names.keySet());
            }

            @Override
            public StateFile open(final String name) throws IOException {
                final @Nullable Inode inode = names.get(name);
                if (inode == null) {
                    throw new IOException("no file " + name);
                }
                return file(inode);
            }

            @Override
            public StateFile create(final String name) throws IOException {
                step();
                final Inode inode = new Inode();
                names.put(name, inode);
                nameChanges.add(() -> durableNames.put(name, inode));
                return file(inode);
            }

            @Override
            public void rename(final String from, final String to) throws IOException {
                step();
                final Inode inode = java.util.Objects.requireNonNull(names.remove(from), from);
                names.put(to, inode);
                nameChanges.add(() -> {
                    durableNames.remove(from);
                    durableNames.put(to, inode);
                });
            }

            @Override
            public void delete(final String name) throws IOException {
                step();
                names.remove(name);
                nameChanges.add(() -> durableNames.remove(name));
            }

            @Override
            public void sync() throws IOException {
                step();
                applyNames();
            }

            @Override
            public void close() {}
        };
    }

    private StateFile file(final Inode inode) {
        return new StateFile() {
            @Override
            public long size() {
                return inode.size;
            }

            @Override
            public void read(final long offset, final ByteBuffer into) throws IOException {
                FaultyDisk.read(inode, offset, into);
            }

            @Override
            public void write(final long offset, final ByteBuffer from) throws IOException {
                if (offset + from.remaining() > capacity) {
                    throw new IOException("ENOSPC");
                }
                FaultyDisk.this.write(inode, offset, from);
            }

            @Override
            public void reserve(final long bytes) throws IOException {
                step();
                if (bytes > capacity) {
                    throw new IOException("ENOSPC");
                }
            }

            @Override
            public void truncate(final long bytes) throws IOException {
                step();
                inode.resize((int) bytes);
            }

            @Override
            public void sync() throws IOException {
                step();
                if (syncFails) {
                    throw new IOException("fsync: EIO");
                }
                inode.sync();
            }

            @Override
            public void close() {}
        };
    }
}
