package io.replicate.delta.sync;

import io.replicate.core.spi.Locator;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Brings copies of a logical volume up to date, once. A snapshot (snap1) is what the copies are at, and its exception
 * store lists what changed since; a second one (snap2) is what they become. Then snap2 takes the place of snap1. Every
 * step can be the last: the next run sees from the snapshots, the state file and the copies how far it came.
 *
 * <p>Source of the names and of the state file: the dds driver of OpenSVC.
 */
public final class LvSync {
    private final Lvm lvm;
    private final String group;
    private final String volume;
    private final String snap1;
    private final String snap2;
    private final String size;
    private final SyncState state;
    private final Path lockFile;
    private final List<Opener> openers;
    private final Consumer<String> say;

    /** Opens a copy. */
    interface Opener {
        SyncTarget open() throws IOException;
    }

    LvSync(
            final Lvm lvm,
            final String group,
            final String volume,
            final String size,
            final Path stateDirectory,
            final List<Opener> openers,
            final Consumer<String> say) {
        this.lvm = lvm;
        this.group = group;
        this.volume = volume;
        this.snap1 = volume + "_osvc_snap1";
        this.snap2 = volume + "_osvc_snap2";
        this.size = size;
        this.state = new SyncState(stateDirectory.resolve(group + "_" + volume + ".dds_state"));
        this.lockFile = stateDirectory.resolve(group + "_" + volume + ".lock");
        this.openers = List.copyOf(openers);
        this.say = say;
    }

    /**
     * Creates a sync.
     *
     * @param size of snapshots: such as 10%ORIGIN or 5G.
     * @param stateDirectory where the state file is, and the state of targets that are devices.
     * @param targets copies: files, devices, any locator, peers.
     * @param say takes a line for each step.
     */
    public static LvSync of(
            final Lvm lvm,
            final String group,
            final String volume,
            final String size,
            final Path stateDirectory,
            final @Nullable Path targetState,
            final List<Locator> targets,
            final Consumer<String> say)
            throws ReplicationException {
        if (targets.isEmpty()) {
            throw ReplicationException.misuse("--target is missing: name at least one copy");
        }
        final List<Opener> openers = new ArrayList<>();
        for (final Locator target : targets) {
            openers.add(() -> Copies.open(target, targetState));
        }
        return new LvSync(lvm, group, volume, size, stateDirectory, openers, say);
    }

    /** Runs once. */
    public void run() throws IOException {
        final List<SyncTarget> targets = new ArrayList<>();
        try (SyncLock lock = SyncLock.take(lockFile)) {
            for (final Opener each : openers) {
                targets.add(each.open());
            }
            heal(targets);
            final Optional<String> uuid1 = lvm.uuid(group, snap1);
            if (uuid1.isEmpty() || state.uuid().isEmpty()) {
                full(targets);
            } else {
                update(targets, uuid1.get());
            }
        } finally {
            for (final SyncTarget target : targets) {
                target.close();
            }
        }
    }

    /** Completes a rotation that was cut short. */
    private void heal(final List<SyncTarget> targets) throws IOException {
        final Optional<String> uuid1 = lvm.uuid(group, snap1);
        final Optional<String> uuid2 = lvm.uuid(group, snap2);
        if (uuid1.isEmpty() && uuid2.isPresent() && allAt(targets, uuid2.get())) {
            say.accept("an earlier run ended before its snapshot was renamed: renaming it");
            lvm.rename(group, snap2, snap1);
            state.store(uuid2.get());
        } else if (uuid1.isEmpty() && uuid2.isPresent()) {
            lvm.remove(group, snap2);
        } else if (uuid1.isPresent() && uuid2.isEmpty() && allAt(targets, uuid1.get())) {
            if (!state.uuid().equals(uuid1)) {
                say.accept("an earlier run ended before its state was written: writing it");
                state.store(uuid1.get());
            }
        } else if (uuid1.isPresent() && uuid2.isPresent() && allAt(targets, uuid2.get())) {
            say.accept("an earlier run ended before the snapshots were rotated: rotating them");
            rotate(uuid2.get());
        } else if (uuid2.isPresent() && !lvm.valid(group, snap2)) {
            say.accept(group + "/" + snap2 + " overflowed before it was sent: making another one");
            lvm.remove(group, snap2);
        }
    }

    private static boolean allAt(final List<SyncTarget> targets, final String uuid) {
        return targets.stream().allMatch(target -> target.generation().equals(generation(uuid)));
    }

    /** The generation of a snapshot is its uuid as the kernel writes it, without hyphens. */
    static String generation(final String uuid) {
        return uuid.replace("-", "");
    }

    private void full(final List<SyncTarget> targets) throws IOException {
        if (lvm.uuid(group, snap1).isEmpty()) {
            lvm.createSnapshot(group, volume, snap1, size);
        }
        final String uuid = uuidOf(snap1);
        say.accept("full sync from " + group + "/" + snap1);
        for (final SyncTarget target : targets) {
            target.resync(new SyncSource("", lvm.device(group, snap1), "", generation(uuid)));
        }
        state.store(uuid);
    }

    private void update(final List<SyncTarget> targets, final String uuid1) throws IOException {
        if (lvm.uuid(group, snap2).isEmpty()) {
            lvm.createSnapshot(group, volume, snap2, size);
        }
        final String uuid2 = uuidOf(snap2);
        final SyncSource source = new SyncSource(
                lvm.cowDevice(group, snap1), lvm.device(group, snap2), generation(uuid1), generation(uuid2));
        for (final SyncTarget target : targets) {
            one(target, source);
        }
        rotate(uuid2);
    }

    private void one(final SyncTarget target, final SyncSource source) throws IOException {
        if (target.generation().equals(source.generation())) {
            say.accept(target.locator() + " is up to date");
            return;
        }
        if (!target.generation().equals(source.base())) {
            say.accept(target.locator() + " is at another generation: comparing hashes");
            target.resync(source);
            return;
        }
        try {
            target.update(source);
            say.accept(target.locator() + " was updated");
        } catch (final ReplicationException e) {
            final boolean hashesHelp = e.category() == ReplicationException.Category.CORRUPT
                    || e.category() == ReplicationException.Category.MISUSE; // the copy is not what it says it is
            if (!hashesHelp) {
                throw e;
            }
            say.accept(target.locator() + ": " + e.getMessage() + ": comparing hashes");
            target.resync(source);
        }
    }

    private void rotate(final String uuid2) throws IOException {
        lvm.remove(group, snap1);
        lvm.rename(group, snap2, snap1);
        state.store(uuid2);
    }

    private String uuidOf(final String snapshot) throws IOException {
        return lvm.uuid(group, snapshot)
                .orElseThrow(() -> ReplicationException.fail(group + "/" + snapshot + " is gone", null));
    }
}
