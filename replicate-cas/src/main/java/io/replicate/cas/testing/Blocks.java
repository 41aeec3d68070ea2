package io.replicate.cas.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The directory volume of a fake keepstore: {@code xxx/hash}. Thread-safe. */
public final class Blocks {
    private final Path directory;
    private final AtomicLong temporary = new AtomicLong();

    /** Opens the volume in a directory, which need not exist yet. */
    public Blocks(final Path directory) {
        this.directory = directory;
    }

    /** Returns the MD5 of data in lower-case hexadecimal. */
    public static String md5(final byte[] data) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("MD5").digest(data));
        } catch (final NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Returns the file of a block. */
    public Path file(final String hash) {
        return directory.resolve(hash.substring(0, 3)).resolve(hash);
    }

    /** Stores data as it is and returns its hash. */
    public String put(final byte[] data) {
        final String hash = md5(data);
        write(hash, data);
        return hash;
    }

    /** Stores bytes under a hash, which need not be theirs. */
    public void write(final String hash, final byte[] data) {
        try {
            final Path file = file(hash);
            Files.createDirectories(file.getParent());
            final Path beside = file.resolveSibling("tmp" + temporary.incrementAndGet());
            Files.write(beside, data);
            Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns the stored bytes, which need not be those of the hash, or null. */
    public byte @Nullable [] read(final String hash) {
        try {
            return Files.readAllBytes(file(hash));
        } catch (final NoSuchFileException e) {
            return null;
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Removes a block. */
    public void delete(final String hash) {
        try {
            Files.deleteIfExists(file(hash));
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Flips a bit of the stored copy; its length stays. */
    public void corrupt(final String hash) {
        final byte[] data = read(hash);
        if (data == null || data.length == 0) {
            throw new IllegalArgumentException("no bytes of " + hash);
        }
        data[data.length / 2] ^= 1;
        write(hash, data);
    }

    /** Cuts the stored copy. */
    public void truncate(final String hash, final int length) {
        final byte[] data = read(hash);
        if (data == null) {
            throw new IllegalArgumentException("no " + hash);
        }
        write(hash, java.util.Arrays.copyOf(data, length));
    }

    /** Sets when the copy was written. */
    public void mtime(final String hash, final Instant time) {
        try {
            Files.setLastModifiedTime(file(hash), FileTime.from(time));
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns when the copy was written. */
    public Instant mtime(final String hash) {
        try {
            return Files.getLastModifiedTime(file(hash)).toInstant();
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns the hashes that are there. */
    public List<String> hashes() {
        return list("").stream().map(Entry::hash).sorted().toList();
    }

    record Entry(String hash, long size, Instant mtime) {}

    List<Entry> list(final String prefix) {
        final List<Entry> entries = new ArrayList<>();
        if (!Files.isDirectory(directory)) {
            return entries;
        }
        try (Stream<Path> directories = Files.list(directory)) {
            for (final Path sub : directories.filter(Files::isDirectory).toList()) {
                final String name = String.valueOf(sub.getFileName());
                if (name.startsWith(prefix) || prefix.startsWith(name)) {
                    listInto(sub, prefix, entries);
                }
            }
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
        return entries;
    }

    private static void listInto(final Path sub, final String prefix, final List<Entry> entries) throws IOException {
        try (Stream<Path> files = Files.list(sub)) {
            for (final Path file : files.toList()) {
                final String hash = String.valueOf(file.getFileName());
                if (hash.matches("[0-9a-f]{32}") && hash.startsWith(prefix)) {
                    stat(file).ifPresent(entry -> entries.add(entry));
                }
            }
        }
    }

    private static Optional<Entry> stat(final Path file) throws IOException {
        try {
            return Optional.of(new Entry(
                    String.valueOf(file.getFileName()),
                    Files.size(file),
                    Files.getLastModifiedTime(file).toInstant()));
        } catch (final NoSuchFileException e) {
            return Optional.empty();
        }
    }
}
