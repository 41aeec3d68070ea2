package io.replicate.examples.cli;

import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Locator;
import io.replicate.core.spi.Providers;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Sizes;
import io.replicate.core.spi.Source;
import io.replicate.delta.DeltaExtract;
import io.replicate.delta.ExtractOptions;
import io.replicate.delta.Fan;
import io.replicate.delta.Images;
import io.replicate.delta.LvIdentity;
import io.replicate.delta.Verification;
import io.replicate.delta.change.BitmapChanges;
import io.replicate.delta.change.Changes;
import io.replicate.delta.change.CompareChanges;
import io.replicate.delta.change.RbdChanges;
import io.replicate.delta.change.RbdWriter;
import io.replicate.delta.change.SnapChanges;
import io.replicate.delta.change.ThinDeltaChanges;
import io.replicate.delta.change.TreeChanges;
import io.replicate.delta.cow.ResumeToken;
import io.replicate.delta.cow.SnapLayout;
import io.replicate.delta.cow.SnapReport;
import io.replicate.delta.cow.StoreReader;
import io.replicate.delta.frame.FramedOutput;
import io.replicate.delta.peer.DeltaPeer;
import io.replicate.delta.tree.TreeReader;
import io.replicate.nbd.client.NbdAddress;
import io.replicate.nbd.client.NbdVolume;
import io.replicate.nbd.protocol.Nbd;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code dds --extract}. */
final class DdsExtract {
    private static final String BITMAP = "bitmap:";
    private static final String QEMU = Nbd.DIRTY_BITMAP;
    private static final Duration RETRY_FOR = Duration.ofMinutes(1);

    private final DdsOptions options;
    private final DdsStreams streams;
    private final boolean verbose;
    private final Cancellation cancellation = new Cancellation();

    DdsExtract(final DdsOptions options, final DdsStreams streams, final boolean verbose) {
        this.options = options;
        this.streams = streams;
        this.verbose = verbose;
    }

    int run() throws IOException {
        if ((options.cow == null) == (options.changes == null)) {
            throw ReplicationException.misuse("--extract needs --cow DEV, or --changes instead of it");
        }
        options.requireApart();
        requireFormat();
        final Locator sourceLocator = Locator.parse(DdsOptions.need(options.source, "--source"));
        final @Nullable Source<Extent> marked = marked(sourceLocator);
        try (Images.Opened source =
                        marked == null ? Images.source(sourceLocator) : Images.opened(marked, sourceLocator);
                Changes changes = marked == null ? changes(source) : bitmap(marked)) {
            final SnapReport report = DeltaExtract.report(changes);
            if (verbose) {
                streams.report(report);
            }
            if (options.dryRun) {
                return ExitCode.OK;
            }
            return send(changes, source, sourceLocator);
        }
    }

    private void requireFormat() throws IOException {
        if (!options.format.equals("snap") && !options.format.equals("rbd")) {
            throw ReplicationException.misuse("--format is '" + options.format + "', expected snap or rbd");
        }
        final boolean rbd = options.format.equals("rbd");
        boolean peer = false;
        for (final String place : options.dest) {
            peer |= isPeer(place);
        }
        if (rbd && (options.bare || options.resume != null || peer)) {
            throw ReplicationException.misuse(
                    "--format rbd is for rbd import-diff: there is no --bare, no --resume, and no peer takes it");
        }
        if (options.resume != null && options.dest.size() > 1) {
            throw ReplicationException.misuse("--resume goes on with one transfer: name one --dest");
        }
    }

    private Changes changes(final Images.Opened source) throws IOException {
        if (options.cow != null) {
            try (Images.Opened cow = Images.source(Locator.parse(options.cow))) {
                return new SnapChanges(StoreReader.open(cow, options.cow), options.lenient).find(source.size());
            }
        }
        final String text = DdsOptions.need(options.changes, "--changes");
        final int colon = text.indexOf(':');
        final String kind = colon < 0 ? text : text.substring(0, colon);
        final String what = DdsOptions.need(colon < 0 ? null : text.substring(colon + 1), "--changes " + kind + ":…");
        final SnapLayout layout = layout();
        return switch (kind) {
            case "thin" -> thin(what, layout, source);
            case "rbd" -> rbd(what, layout, source);
            case "compare" -> compared(what, layout, source);
            case "peer" -> hashed(what, source);
            default ->
                throw ReplicationException.misuse(
                        "--changes " + kind + ": expected thin, bitmap, rbd, compare or peer");
        };
    }

    private static Changes thin(final String what, final SnapLayout layout, final Images.Opened source)
            throws IOException {
        try (InputStream xml = Files.newInputStream(Path.of(what))) {
            return new ThinDeltaChanges(xml, layout).find(source.size());
        }
    }

    private static Changes rbd(final String what, final SnapLayout layout, final Images.Opened source)
            throws IOException {
        try (FileChannel diff = FileChannel.open(Path.of(what))) {
            return new RbdChanges(diff, what, layout).find(source.size());
        }
    }

    private static Changes compared(final String what, final SnapLayout layout, final Images.Opened source)
            throws IOException {
        try (Images.Opened old = Images.source(Locator.parse(what))) {
            return new CompareChanges(old, source, layout).find(source.size());
        }
    }

    /**
     * Opens a source whose bitmap is asked for, or returns null. Bitmap and data come over one connection: a server may
     * take one client at a time, as qemu-nbd does, and end with it.
     */
    @SuppressWarnings("unchecked") // a store of digests refuses the selection
    private @Nullable Source<Extent> marked(final Locator locator) throws IOException {
        if (options.changes == null || !options.changes.startsWith(BITMAP)) {
            return null;
        }
        layout(); // refused before anything is opened
        if (!NbdAddress.schemes().contains(locator.scheme())) {
            return (Source<Extent>) Providers.source(locator);
        }
        final boolean chosen = locator.parameter("connections").isPresent();
        return NbdVolume.open(NbdAddress.of(chosen ? locator : locator.with("connections", "1")), bitmapName());
    }

    private Changes bitmap(final Source<Extent> source) throws IOException {
        return new BitmapChanges(source, bitmapName(), layout())
                .find(source.geometry().sizeBytes());
    }

    private String bitmapName() throws ReplicationException {
        final String name = DdsOptions.need(options.changes, "--changes").substring(BITMAP.length());
        return DdsOptions.need(
                name.startsWith(QEMU) ? name.substring(QEMU.length()) : name, "--changes " + BITMAP + "…");
    }

    private Changes hashed(final String what, final Images.Opened source) throws IOException {
        try (TreeReader tree = Verification.treeOf(source, source.size(), options.throttle(), cancellation);
                DeltaPeer peer = DeltaPeer.connect(Locator.parse(what))) {
            return new TreeChanges(tree, peer).find(source.size());
        }
    }

    private SnapLayout layout() throws ReplicationException {
        try {
            return new SnapLayout(Sizes.parse("--chunk", options.chunk));
        } catch (final IllegalArgumentException e) {
            throw ReplicationException.misuse("--chunk " + options.chunk + ": expected a power of two from 512 to 1G");
        }
    }

    private int send(final Changes changes, final Images.Opened source, final Locator sourceLocator)
            throws IOException {
        final String base = DdsOptions.id(
                "--base",
                options.base != null
                        ? options.base
                        : options.cow == null ? "" : LvIdentity.of(Locator.parse(options.cow)));
        final String generation = DdsOptions.id(
                "--generation", options.generation != null ? options.generation : LvIdentity.of(sourceLocator));
        final List<String> failed = new ArrayList<>();
        final List<String> places = options.dest.isEmpty() ? List.of("-") : options.dest;
        final List<String> files = new ArrayList<>();
        for (final String place : places) {
            if (isPeer(place)) {
                push(place, changes, source, base, generation, failed);
            } else {
                files.add(place);
            }
        }
        if (!files.isEmpty()) {
            write(files, changes, source, base, generation, failed);
        }
        failed.forEach(line -> streams.err().println("dds: " + line));
        if (failed.isEmpty()) {
            return ExitCode.OK;
        }
        return failed.size() == places.size() ? ExitCode.FAILED : ExitCode.PARTLY;
    }

    private static boolean isPeer(final String place) throws IOException {
        return !place.equals("-") && DeltaPeer.isPeer(Locator.parse(place));
    }

    private void push(
            final String place,
            final Changes changes,
            final Images.Opened source,
            final String base,
            final String generation,
            final List<String> failed) {
        try {
            final ExtractOptions extract = ExtractOptions.of(options.bare, base, generation, cancellation);
            DeltaPeer.push(
                    Locator.parse(place),
                    (out, token) -> DeltaExtract.send(changes, source, extract, token, out),
                    RETRY_FOR,
                    cancellation);
        } catch (final IOException e) {
            final String why = Failures.describe(e);
            failed.add(why.startsWith(place) ? why : place + ": " + why); // what a peer says names it already
        }
    }

    private void write(
            final List<String> files,
            final Changes changes,
            final Images.Opened source,
            final String base,
            final String generation,
            final List<String> failed)
            throws IOException {
        final List<DdsOutlet> outlets = new ArrayList<>();
        try {
            for (final String file : files) {
                try {
                    outlets.add(DdsOutlet.open(file, options.force));
                } catch (final IOException e) {
                    if (options.dest.size() < 2) {
                        throw e;
                    }
                    failed.add(Failures.describe(e));
                }
            }
            if (outlets.isEmpty()) {
                return;
            }
            final Fan fan = new Fan(outlets.stream().map(DdsOutlet::outlet).toList());
            encode(fan, changes, source, base, generation);
            for (final DdsOutlet outlet : outlets) {
                final @Nullable IOException failure = outlet.outlet().failure();
                if (failure != null) {
                    failed.add(Failures.describe(failure));
                } else {
                    outlet.commit();
                }
            }
        } finally {
            for (final DdsOutlet outlet : outlets) {
                outlet.close();
            }
        }
    }

    private void encode(
            final WritableByteChannel to,
            final Changes changes,
            final Images.Opened source,
            final String base,
            final String generation)
            throws IOException {
        final @Nullable FramedOutput framed = options.framed ? new FramedOutput(to) : null;
        final WritableByteChannel out = framed == null ? to : framed;
        if (options.format.equals("rbd")) {
            new RbdWriter(out).write(changes, source, base, generation);
        } else {
            final @Nullable ResumeToken token = options.resume == null ? null : ResumeToken.parse(options.resume);
            DeltaExtract.send(
                    changes, source, ExtractOptions.of(options.bare, base, generation, cancellation), token, out);
        }
        if (framed != null) {
            framed.finish();
        }
    }
}
