package io.replicate.core.file;

import io.replicate.core.posix.DurableFiles;
import io.replicate.core.spi.Checkpoint;
import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Progress;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * Checkpoints in files, each replaced as one and durable when {@link #commit} returns. A path that names a directory (or
 * ends with a slash) keeps one file {@code JOB.ckpt} per job there; any other path is one file, which holds one job. A
 * file that is torn, or that another job or a newer program wrote, is refused and left as it is.
 */
public final class FileCheckpoint implements Checkpoint {
    private static final String SUFFIX = ".ckpt";

    private final Path path;
    private final boolean directory;
    private final Set<JobId> ours = new HashSet<>(); // jobs known to own what is in their file

    private FileCheckpoint(final Path path, final boolean directory) {
        this.path = path;
        this.directory = directory;
    }

    /** Keeps the checkpoint of one job in this file. Its directory must exist. */
    public static FileCheckpoint inFile(final Path file) throws ReplicationException {
        final Path parent = parentOf(file);
        if (!Files.isDirectory(parent)) {
            throw ReplicationException.misuse(
                    "checkpoint " + file + ": the directory " + parent + " does not exist; make it first");
        }
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            throw ReplicationException.misuse("checkpoint " + file + ": is not a regular file; name another");
        }
        return new FileCheckpoint(file, false);
    }

    /** Keeps the checkpoints of any number of jobs in this directory, which is made if it is not there. */
    public static FileCheckpoint inDirectory(final Path directory) throws ReplicationException {
        try {
            Files.createDirectories(directory);
        } catch (final IOException e) {
            throw new ReplicationException(
                    ReplicationException.Category.MISUSE,
                    "checkpoint " + directory + ": the directory cannot be made: " + e,
                    e);
        }
        return new FileCheckpoint(directory, true);
    }

    private static Path parentOf(final Path file) {
        final Path absolute = file.toAbsolutePath();
        final Path parent = absolute.getParent();
        return parent == null ? absolute : parent;
    }

    private Path fileOf(final JobId job) {
        return directory ? path.resolve(job.value() + SUFFIX) : path;
    }

    @Override
    public synchronized Optional<Progress> load(final JobId job) throws IOException {
        final Path file = fileOf(job);
        final ByteBuffer bytes;
        try {
            if (Files.size(file) > CheckpointCodec.MAX_BYTES) {
                throw ReplicationException.corrupt("checkpoint " + file + ": is no checkpoint, it is too large");
            }
            bytes = ByteBuffer.wrap(Files.readAllBytes(file));
        } catch (final NoSuchFileException e) {
            return Optional.empty();
        }
        final CheckpointCodec.Content content = CheckpointCodec.decode(bytes, file.toString());
        if (!content.job().equals(job)) {
            throw ReplicationException.misuse("checkpoint " + file + ": belongs to the job " + content.job()
                    + ", this is the job " + job + " (another source, target or option); name another file,"
                    + " or remove this one to give up that job");
        }
        own(job);
        return Optional.of(content.progress());
    }

    @Override
    public synchronized void commit(final JobId job, final Progress progress) throws IOException {
        final ByteBuffer bytes = CheckpointCodec.encode(job, progress);
        requireOurs(job);
        DurableFiles.replace(fileOf(job), bytes);
        own(job);
    }

    private void own(final JobId job) {
        if (!directory) {
            ours.clear(); // the file holds one job
        }
        ours.add(job);
    }

    @Override
    public synchronized void forget(final JobId job) throws IOException {
        load(job); // what was put there since by somebody else is not ours to remove
        final Path file = fileOf(job);
        if (Files.deleteIfExists(file)) {
            DurableFiles.fsyncDirectory(parentOf(file));
            ours.remove(job);
        }
    }

    /** Replaces or removes nothing that it has not read and found to be this job's. */
    private void requireOurs(final JobId job) throws IOException {
        if (!ours.contains(job)) {
            load(job);
        }
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
