package io.replicate.examples.cli;

import io.replicate.core.file.SameStorage;
import io.replicate.core.job.Throttle;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Sizes;
import io.replicate.delta.cow.Marker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of {@code dds}; which of them a mode knows, its own description says. */
final class DdsOptions {
    @Option(
            names = "--cow",
            paramLabel = "DEV",
            description = "The exception store: a COW device or a file; with --merge and --list also a stream ('-').")
    @Nullable
    String cow;

    @Option(
            names = "--source",
            paramLabel = "DEV",
            description = "Where the data is read (--extract), or what the target must equal (--verify, --repair): a"
                    + " device, a file, any locator, or a peer that serves it.")
    @Nullable
    String source;

    @Option(
            names = "--dest",
            paramLabel = "TARGET",
            description = "Where a stream goes ('-', a file, a COW device, a peer such as tcp://HOST:PORT; may be given"
                    + " several times), or the image that is merged into (a device, a file, any locator).")
    List<String> dest = new ArrayList<>();

    @Option(
            names = "--changes",
            paramLabel = "KIND:WHAT",
            description = "With --extract, instead of --cow: thin:FILE (XML of thin_delta), bitmap:NAME (a dirty"
                    + " bitmap of the source, such as qemu:dirty-bitmap:NAME), rbd:FILE (rbd diff v1, v2), compare:OLD"
                    + " (another image), peer:LOCATOR (hash exchange with a served target).")
    @Nullable
    String changes;

    @Option(names = "--format", paramLabel = "snap|rbd", description = "With --extract: what to write (default: snap).")
    String format = "snap";

    @Option(
            names = "--chunk",
            paramLabel = "SIZE",
            description = "Chunk size where --changes names none (default: 4K).")
    String chunk = "4K";

    @Option(
            names = "--bare",
            description =
                    "With --extract: only what the kernel reads, without marker and checksums, byte for byte as dds"
                            + " wrote it.")
    boolean bare;

    @Option(names = "--framed", description = "With --extract: in frames, compressed, without zeros.")
    boolean framed;

    @Option(
            names = "--base",
            paramLabel = "ID",
            description = "With --extract: the generation that the target must be at (default: the LV uuid of --cow).")
    @Nullable
    String base;

    @Option(
            names = "--generation",
            paramLabel = "ID",
            description = "The generation that the source is (default: the LV uuid of --source).")
    @Nullable
    String generation;

    @Option(names = "--resume", paramLabel = "TOKEN", description = "With --extract: go on where a merge was cut.")
    @Nullable
    String resume;

    @Option(names = "--position", description = "With --merge: print the token of a cut merge, and do nothing.")
    boolean position;

    @Option(names = "--in-place", description = "With --merge: write as the stream comes; a crash leaves a mixture.")
    boolean inPlace;

    @Option(names = "--no-reflink", description = "With --merge: no reflink clone, also where the file system can.")
    boolean noReflink;

    @Option(
            names = "--cow-volume",
            description = "With --merge: --dest is an empty COW volume; store the delta for the kernel to merge.")
    boolean cowVolume;

    @Option(names = "--undo", paramLabel = "N", description = "With --merge: keep N generations to roll back to.")
    int undo;

    @Option(names = "--lenient", description = "Accept a bare stream that ends behind a full area, as dds wrote it.")
    boolean lenient;

    @Option(names = "--any-base", description = "With --merge: also a delta of another base.")
    boolean anyBase;

    @Option(
            names = "--force",
            description =
                    "Also a target that the system uses (mounted, swap, LVM, loop), or a COW volume with changes.")
    boolean force;

    @Option(names = "--dry-run", description = "With --extract and --merge: check everything, change nothing.")
    boolean dryRun;

    @Option(
            names = "--state",
            paramLabel = "DIR",
            description = "Where the state of targets is (default: beside a file, else /var/lib/replicate/delta).")
    @Nullable
    Path state;

    @Option(
            names = "--recorded",
            description = "With --verify, --serve: believe the recorded tree, do not read the data.")
    boolean recorded;

    @Option(names = "--record", description = "With --scrub: record the tree of the target as it is now.")
    boolean record;

    @Option(names = "--rate", paramLabel = "SIZE", description = "Read at most so many bytes a second, such as 200M.")
    @Nullable
    String rate;

    @Option(
            names = "--listen",
            paramLabel = "LOCATOR",
            description = "With --serve: where to listen (default: ${DEFAULT-VALUE}).")
    String listen = "tcp://127.0.0.1:9992";

    @Option(names = "--read-only", description = "With --serve: take no deltas.")
    boolean readOnly;

    @Option(names = "--source-lv", paramLabel = "VG/LV", description = "With --sync: the logical volume.")
    @Nullable
    String sourceLv;

    @Option(
            names = "--target",
            paramLabel = "URI",
            description = "With --sync: a copy, an image or a peer; may be given several times.")
    List<String> targets = new ArrayList<>();

    @Option(
            names = "--snap-size",
            paramLabel = "SIZE",
            description = "With --sync: size of snapshots, as lvcreate takes it (default: ${DEFAULT-VALUE}).")
    String snapSize = "10%ORIGIN";

    @Option(
            names = "--dev",
            paramLabel = "DIR",
            description = "With --sync: where the devices of lvm2 are (default: ${DEFAULT-VALUE}).")
    Path dev = Path.of("/dev");

    @Option(names = "--json", description = "Results for machines.")
    boolean json;

    Throttle throttle() throws ReplicationException {
        final long bytes = rate == null ? Throttle.UNLIMITED : Sizes.parse("--rate", rate);
        if (bytes < 1) {
            throw ReplicationException.misuse("--rate " + rate + ": expected at least 1 byte a second");
        }
        return new Throttle(bytes);
    }

    /** Refuses a --dest that is also what is read, however it is spelt: it would be overwritten. */
    void requireApart() throws IOException {
        final List<String> read = new ArrayList<>();
        for (final String place : Arrays.asList(source, cow, changes)) {
            if (place != null) {
                read.add(place);
            }
        }
        if (changes != null) {
            read.add(changes.substring(changes.indexOf(':') + 1));
        }
        requireApart(read, dest, "--dest");
    }

    /** As the other, for what is read and what is written otherwise. */
    static void requireApart(final List<String> read, final List<String> written, final String option)
            throws IOException {
        for (final String to : written) {
            for (final String from : read) {
                if (isSame(from, to)) {
                    throw ReplicationException.misuse(to + ": is what is read; name another " + option);
                }
            }
        }
    }

    private static boolean isSame(final String one, final String other) throws IOException {
        final @Nullable Path a = existing(one);
        final @Nullable Path b = existing(other);
        return a != null && b != null && SameStorage.overlap(a, b);
    }

    /** Returns the file or device that a place names, or null. */
    private static @Nullable Path existing(final String place) {
        try {
            final Locator locator = Locator.parse(place);
            final Path path = Path.of(locator.rest());
            return !place.equals("-") && locator.scheme().equals("file") && Files.exists(path) ? path : null;
        } catch (final IOException | IllegalArgumentException e) {
            return null; // refused, in better words, where it is opened
        }
    }

    /** Returns an option that the mode cannot do without. */
    static String need(final @Nullable String value, final String name) throws ReplicationException {
        if (value == null || value.isEmpty()) {
            throw ReplicationException.misuse(name + " is missing");
        }
        return value;
    }

    /** Returns the one target. */
    String target() throws ReplicationException {
        if (dest.size() != 1) {
            throw ReplicationException.misuse(
                    dest.isEmpty() ? "--dest is missing: name the target" : "only one --dest can be a target");
        }
        return dest.get(0);
    }

    static String id(final String name, final String id) throws ReplicationException {
        if (!Marker.isId(id)) {
            throw ReplicationException.misuse(
                    name + " '" + id + "': a generation is up to 64 printable characters without spaces");
        }
        return id;
    }
}
