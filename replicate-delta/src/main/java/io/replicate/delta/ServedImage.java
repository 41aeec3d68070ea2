package io.replicate.delta;

import io.replicate.core.job.Throttle;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import io.replicate.delta.apply.DeltaTarget;
import io.replicate.delta.apply.MergeOptions;
import io.replicate.delta.apply.Merged;
import io.replicate.delta.cow.RandomBytes;
import io.replicate.delta.cow.ResumeToken;
import io.replicate.delta.peer.Served;
import io.replicate.delta.tree.TreeReader;
import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import org.jspecify.annotations.Nullable;

/** An image to be served: a target, or a source that is only read. The tree is made once for each peer that asks for it. */
public final class ServedImage implements Served {
    private final @Nullable DeltaTarget target;
    private final Images.@Nullable Opened source;
    private final MergeOptions options;
    private final Throttle throttle;
    private final boolean byRecord;
    private @Nullable TreeReader tree;

    private ServedImage(
            final @Nullable DeltaTarget target,
            final Images.@Nullable Opened source,
            final MergeOptions options,
            final Throttle throttle,
            final boolean byRecord) {
        this.target = target;
        this.source = source;
        this.options = options;
        this.throttle = throttle;
        this.byRecord = byRecord;
    }

    /**
     * Serves a target, which takes deltas. Takes it over.
     *
     * @param byRecord whether the recorded tree is believed, where there is one.
     */
    public static ServedImage target(
            final DeltaTarget target, final MergeOptions options, final Throttle throttle, final boolean byRecord) {
        return new ServedImage(target, null, options, throttle, byRecord);
    }

    /** Serves an image for reading only. Takes it over. */
    public static ServedImage source(
            final Images.Opened source, final Throttle throttle, final Cancellation cancellation) {
        final MergeOptions options = new MergeOptions(false, false, 0, false, false, cancellation);
        return new ServedImage(null, source, options, throttle, false);
    }

    @Override
    public void newSession() throws IOException {
        if (tree != null) {
            tree.close();
            tree = null;
        }
    }

    @Override
    public RandomBytes image() {
        return target != null ? target.image() : java.util.Objects.requireNonNull(source);
    }

    @Override
    public long imageBytes() throws IOException {
        return target != null ? target.imageBytes() : image().size();
    }

    @Override
    public String generation() {
        return target == null ? "" : target.generation();
    }

    @Override
    public TreeReader tree() throws IOException {
        TreeReader current = tree;
        if (current == null && byRecord && target != null) {
            current = new Verification(target, throttle, options.cancellation()).recorded();
        }
        if (current == null) {
            current = Verification.treeOf(image(), imageBytes(), throttle, options.cancellation());
        }
        tree = current;
        return current;
    }

    @Override
    public boolean writable() {
        return target != null;
    }

    @Override
    public @Nullable ResumeToken position() throws IOException {
        if (target == null || !target.interrupted()) {
            return null;
        }
        try {
            return target.position();
        } catch (final ReplicationException e) {
            return null; // what was received is of no use: the peer begins again
        }
    }

    @Override
    public Merged merge(final ReadableByteChannel in) throws IOException {
        if (target == null) {
            throw ReplicationException.misuse("this image is served for reading only");
        }
        newSession();
        return DeltaInput.of(in, "the peer's stream").merge(target, options, false);
    }

    @Override
    public void close() throws IOException {
        newSession();
        if (target != null) {
            target.close();
        }
        if (source != null) {
            source.close();
        }
    }
}
