package io.replicate.cas.copy;

import io.replicate.cas.index.DigestTable;
import io.replicate.cas.keep.KeepLocator;
import io.replicate.core.posix.DurableFiles;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Unit;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.channels.FileChannel;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/** A list of contents in a text file: one {@code hash+size} per line, comments behind {@code #}. */
public final class PlanFile {
    private static final int SHA_256_DIGITS = 64;
    private static final int MOST_LINKS = 40;
    private static final Map<String, FileDescriptor> STANDARD = Map.of(
            "/dev/stdout", FileDescriptor.out,
            "/dev/fd/1", FileDescriptor.out,
            "/proc/self/fd/1", FileDescriptor.out,
            "/dev/stderr", FileDescriptor.err,
            "/dev/fd/2", FileDescriptor.err,
            "/proc/self/fd/2", FileDescriptor.err);

    private PlanFile() {}

    /** Takes the digests of a plan that is being written. */
    public interface Lines {
        /** Writes what {@code out} is given. */
        void writeTo(Out out) throws IOException;
    }

    /** Takes one digest at a time. */
    public interface Out {
        /** Adds a digest. */
        void add(Digest digest) throws IOException;
    }

    /**
     * Writes a plan; the file appears whole or not at all, where a link points if it is one. Into a pipe or a device it is
     * written as it comes, and so it is behind {@code /dev/stderr} and its like: that may be a log that others write too.
     */
    public static void write(final Path file, final String comment, final Lines lines) throws IOException {
        final Path target = target(file);
        if (!isOpenElsewhere(target) && (Files.isRegularFile(target) || !Files.exists(target))) {
            publish(target, comment, lines);
            return;
        }
        final FileDescriptor descriptor = STANDARD.get(target.normalize().toString());
        if (descriptor == null) {
            try (BufferedWriter writer = Files.newBufferedWriter(
                    target, StandardCharsets.US_ASCII, StandardOpenOption.WRITE, StandardOpenOption.APPEND)) {
                write(writer, comment, lines);
            }
        } else { // not opened again, which would have a position of its own; and not closed
            final Writer writer = new BufferedWriter(
                    new OutputStreamWriter(new FileOutputStream(descriptor), StandardCharsets.US_ASCII));
            write(writer, comment, lines);
            writer.flush();
        }
    }

    /** Follows links, also to what does not exist, but not those that the kernel makes up for open files. */
    private static Path target(final Path file) throws IOException {
        Path at = file.toAbsolutePath();
        for (int links = 0; !isOpenElsewhere(at) && Files.isSymbolicLink(at); links++) {
            if (links == MOST_LINKS) {
                throw ReplicationException.misuse(file + ": too many levels of symbolic links");
            }
            at = at.resolveSibling(Files.readSymbolicLink(at));
        }
        return at;
    }

    private static boolean isOpenElsewhere(final Path file) {
        final Path path = file.normalize();
        return path.startsWith("/proc") || (path.startsWith("/dev") && !path.startsWith("/dev/shm"));
    }

    /** Writes a plan. */
    public static void write(final Writer writer, final String comment, final Lines lines) throws IOException {
        writer.write("# " + comment + "\n");
        lines.writeTo(digest -> writer.write(digest.hex() + "+" + digest.lengthBytes() + "\n"));
    }

    private static void publish(final Path file, final String comment, final Lines lines) throws IOException {
        final Path beside = DurableFiles.temporaryBeside(file);
        try {
            try (BufferedWriter writer = Files.newBufferedWriter(beside, StandardCharsets.US_ASCII)) {
                write(writer, comment, lines);
            }
            try (FileChannel channel = FileChannel.open(beside, StandardOpenOption.WRITE)) {
                channel.force(true);
            }
            DurableFiles.publish(beside, file);
        } finally {
            Files.deleteIfExists(beside);
        }
    }

    /**
     * Reads a plan, or a list of hashes without sizes; hints behind the size are ignored.
     *
     * @throws ReplicationException MISUSE with the line that is neither.
     */
    public static DigestTable read(final Path file, final Digest.Algorithm algorithm, final boolean sizesNeeded)
            throws IOException {
        final DigestTable table = new DigestTable(algorithm, 0);
        try (BufferedReader reader = Files.newBufferedReader(file, StandardCharsets.US_ASCII)) {
            int number = 0;
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                number++;
                final String text = line.replaceFirst("#.*", "").trim();
                if (!text.isEmpty()) {
                    final Digest digest = parse(file + ", line " + number, text, algorithm);
                    if (sizesNeeded && digest.lengthBytes() == Unit.UNKNOWN) {
                        throw ReplicationException.misuse(
                                file + ", line " + number + ": a size is missing: expected hash+size");
                    }
                    table.add(digest.hash(), digest.lengthBytes(), 0);
                }
            }
        } catch (final NoSuchFileException e) {
            throw ReplicationException.misuse(file + ": no such file or directory");
        } catch (final MalformedInputException e) {
            throw ReplicationException.misuse(file + ": is not a list of hashes");
        }
        table.seal();
        return table;
    }

    private static Digest parse(final String place, final String text, final Digest.Algorithm algorithm)
            throws ReplicationException {
        try {
            if (algorithm == Digest.Algorithm.MD5) {
                return KeepLocator.parse(text).digest();
            }
            final int plus = text.indexOf('+');
            final String hash = plus < 0 ? text : text.substring(0, plus);
            final long size = plus < 0 ? Unit.UNKNOWN : Long.parseLong(text.substring(plus + 1));
            if (hash.length() != SHA_256_DIGITS) {
                throw ReplicationException.misuse("not a SHA-256 hash");
            }
            return Digest.parse(algorithm, hash, size);
        } catch (final ReplicationException | IllegalArgumentException e) {
            throw ReplicationException.misuse(place + ": " + e.getMessage());
        }
    }
}
