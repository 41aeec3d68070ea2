package io.replicate.delta.sync;

import io.replicate.delta.cow.Bytes;
import io.replicate.delta.cow.ChunkData;
import io.replicate.delta.cow.ExceptionList;
import io.replicate.delta.cow.SnapLayout;
import io.replicate.delta.cow.StreamWriter;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Optional;
import java.util.UUID;

/** A stand-in for lvm2: volumes, snapshots and exception stores are files. Any command can be the last of its process. */
final class FileLvm implements Lvm {
    private static final int CHUNK = 4096;

    private final Path dir;
    private long commands;
    private long dieAt = Long.MAX_VALUE;
    private boolean dieAfter;

    FileLvm(final Path dir, final byte[] origin) throws IOException {
        this.dir = dir;
        Files.write(file("lv", "img"), origin);
    }

    static final class Died extends IOException {
        private static final long serialVersionUID = 1L;
    }

    private Path file(final String volume, final String kind) {
        return dir.resolve(volume + "." + kind);
    }

    /** Lets the process die before or after a command, counted from now. */
    void dieAt(final long command, final boolean after) {
        commands = 0;
        dieAt = command;
        dieAfter = after;
    }

    long commands() {
        return commands;
    }

    private interface Command {
        void run() throws IOException;
    }

    private void command(final Command command) throws IOException {
        final boolean last = commands++ == dieAt;
        if (last && !dieAfter) {
            throw new Died();
        }
        command.run();
        if (last) {
            throw new Died();
        }
    }

    /** Changes the origin; every snapshot keeps the old data, and its store names the chunk. */
    void write(final byte[] content) throws IOException {
        final byte[] old = Files.readAllBytes(file("lv", "img"));
        Files.write(file("lv", "img"), content);
        try (var files = Files.list(dir)) {
            for (final Path store :
                    files.filter(f -> f.toString().endsWith(".cow")).toList()) {
                final String name = String.valueOf(store.getFileName()).replace(".cow", "");
                writeStore(name, content, old.length);
            }
        }
    }

    private void writeStore(final String snapshot, final byte[] origin, final int length) throws IOException {
        final byte[] image = Files.readAllBytes(file(snapshot, "img"));
        final SnapLayout layout = new SnapLayout(CHUNK);
        try (ExceptionList list = new ExceptionList();
                FileChannel out = FileChannel.open(
                        file(snapshot, "cow"),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.TRUNCATE_EXISTING)) {
            for (int at = 0; at < length; at += CHUNK) {
                final int end = Math.min(length, at + CHUNK);
                if (!Arrays.equals(image, at, end, origin, at, end)) {
                    list.entry(at / CHUNK, 0);
                }
            }
            new StreamWriter(out, layout, null)
                    .write(list, ChunkData.ofImage(new Bytes(image), layout, length), StreamWriter.Samples.NONE);
        }
    }

    /** Invalidates a snapshot, as an overflow does. */
    void overflow(final String snapshot) throws IOException {
        final byte[] store = Files.readAllBytes(file(snapshot, "cow"));
        store[4] = 0;
        Files.write(file(snapshot, "cow"), store);
    }

    @Override
    public void createSnapshot(final String group, final String volume, final String snapshot, final String size)
            throws IOException {
        command(() -> {
            Files.copy(file(volume, "img"), file(snapshot, "img"));
            writeStore(snapshot, Files.readAllBytes(file(volume, "img")), (int) Files.size(file(volume, "img")));
            Files.writeString(file(snapshot, "uuid"), UUID.randomUUID().toString());
        });
    }

    @Override
    public void remove(final String group, final String snapshot) throws IOException {
        command(() -> {
            for (final String kind : new String[] {"uuid", "img", "cow"}) {
                Files.delete(file(snapshot, kind));
            }
        });
    }

    @Override
    public void rename(final String group, final String from, final String to) throws IOException {
        command(() -> {
            for (final String kind : new String[] {"img", "cow", "uuid"}) {
                Files.move(file(from, kind), file(to, kind));
            }
        });
    }

    @Override
    public Optional<String> uuid(final String group, final String volume) throws IOException {
        final java.util.List<Optional<String>> found = new java.util.ArrayList<>();
        command(() -> found.add(
                Files.exists(file(volume, "uuid"))
                        ? Optional.of(Files.readString(file(volume, "uuid")))
                        : Optional.empty()));
        return found.get(0);
    }

    @Override
    public boolean valid(final String group, final String snapshot) throws IOException {
        final boolean[] found = new boolean[1];
        command(() -> found[0] = Files.readAllBytes(file(snapshot, "cow"))[4] == 1);
        return found[0];
    }

    @Override
    public String device(final String group, final String volume) {
        return file(volume, "img").toString();
    }

    @Override
    public String cowDevice(final String group, final String snapshot) {
        return file(snapshot, "cow").toString();
    }
}
