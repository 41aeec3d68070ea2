package io.replicate.delta.sync;

import io.replicate.core.net.SharedSecret;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** The commands of lvm2, found on the PATH. */
public final class ProcessLvm implements Lvm {
    private static final Duration TIMEOUT = Duration.ofMinutes(5);

    private static final int STATE_INDEX = 4;

    private final Path dev;
    private final String where;

    /**
     * Creates a front end.
     *
     * @param dev where devices are, {@code /dev}.
     */
    public ProcessLvm(final Path dev) {
        this(dev, "");
    }

    /** As the other, with what stands before the names of the commands: a directory and a slash. */
    ProcessLvm(final Path dev, final String where) {
        this.dev = dev;
        this.where = where;
    }

    /** What a command answered, and apart from that what it remarked: lvm2 warns of much beside a good answer. */
    private record Outcome(int code, String output, String remarks) {
        String said() {
            return (remarks.strip() + " " + output.strip()).strip();
        }
    }

    private Outcome run(final String... command) throws IOException {
        final Path output = Files.createTempFile("replicate-lvm-", ".out");
        final Path remarks = Files.createTempFile("replicate-lvm-", ".err");
        try {
            final Process process = start(command, output, remarks);
            try {
                if (!process.waitFor(TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
                    process.destroyForcibly();
                    throw ReplicationException.fail(
                            command[0] + " did not end within " + TIMEOUT.toMinutes() + " minutes", null);
                }
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
                process.destroyForcibly();
                throw new ReplicationException(
                        ReplicationException.Category.CANCELLED, "interrupted while " + command[0] + " ran", e);
            }
            return new Outcome(
                    process.exitValue(),
                    Files.readString(output, StandardCharsets.UTF_8),
                    Files.readString(remarks, StandardCharsets.UTF_8));
        } finally {
            Files.deleteIfExists(output);
            Files.deleteIfExists(remarks);
        }
    }

    private Process start(final String[] command, final Path output, final Path remarks) throws IOException {
        final List<String> line = new ArrayList<>(List.of(command));
        line.set(0, where + command[0]);
        final ProcessBuilder builder = SharedSecret.keepFrom(new ProcessBuilder(line))
                .redirectError(remarks.toFile())
                .redirectOutput(output.toFile());
        builder.environment().put("LC_ALL", "C");
        try {
            final Process process = builder.start();
            process.getOutputStream().close();
            return process;
        } catch (final IOException e) {
            throw ReplicationException.fail(command[0] + " cannot be run: " + e.getMessage() + "; install lvm2", e);
        }
    }

    private void must(final String... command) throws IOException {
        final Outcome outcome = run(command);
        if (outcome.code != 0) {
            throw ReplicationException.fail(
                    String.join(" ", command) + ": " + outcome.said() + " (exit status " + outcome.code + ")", null);
        }
    }

    @Override
    public void createSnapshot(final String group, final String volume, final String snapshot, final String size)
            throws IOException {
        final boolean relative = size.contains("%");
        must("lvcreate", "-y", "-s", "-n", snapshot, relative ? "-l" : "-L", size, group + "/" + volume);
    }

    @Override
    public void remove(final String group, final String snapshot) throws IOException {
        must("lvremove", "-f", group + "/" + snapshot);
    }

    @Override
    public void rename(final String group, final String from, final String to) throws IOException {
        must("lvrename", group, from, to);
    }

    @Override
    public Optional<String> uuid(final String group, final String volume) throws IOException {
        final Outcome outcome = run("lvs", "--noheadings", "-o", "lv_uuid", group + "/" + volume);
        if (outcome.code == 0) {
            final String uuid = outcome.output.strip();
            if (uuid.isEmpty() || uuid.contains(" ") || uuid.contains("\n")) {
                throw ReplicationException.fail(
                        "lvs said '" + uuid + "' for the uuid of " + group + "/" + volume, null);
            }
            return Optional.of(uuid);
        }
        // lvs says 5 for a volume that is not there, and for much else: only its words tell.
        final String said = outcome.said().toLowerCase(java.util.Locale.ROOT);
        if (said.contains("failed to find") || said.contains("not found")) {
            return Optional.empty();
        }
        throw ReplicationException.fail("lvs " + group + "/" + volume + ": " + outcome.said(), null);
    }

    /** Source: lvs(8), the fifth character of lv_attr: I, S, m and M are the states of a snapshot that failed. */
    @Override
    public boolean valid(final String group, final String snapshot) throws IOException {
        final String[] command = {"lvs", "--noheadings", "-o", "lv_attr", group + "/" + snapshot};
        final Outcome outcome = run(command);
        final String attributes = outcome.output.strip();
        if (outcome.code != 0 || attributes.length() <= STATE_INDEX) {
            throw ReplicationException.fail(
                    String.join(" ", command) + ": " + outcome.said() + " (exit status " + outcome.code + ")", null);
        }
        return "ISmM".indexOf(attributes.charAt(STATE_INDEX)) < 0;
    }

    @Override
    public String device(final String group, final String volume) {
        return dev.resolve(group).resolve(volume).toString();
    }

    @Override
    public String cowDevice(final String group, final String snapshot) {
        return dev.resolve("mapper")
                .resolve(escape(group) + "-" + escape(snapshot) + "-cow")
                .toString();
    }

    /** In names of device-mapper a hyphen of a group or volume is doubled. */
    static String escape(final String name) {
        return name.replace("-", "--");
    }
}
