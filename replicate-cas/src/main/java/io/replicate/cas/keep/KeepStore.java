package io.replicate.cas.keep;

import io.replicate.cas.index.SizeConflict;
import io.replicate.cas.internal.http.HttpAnswer;
import io.replicate.cas.store.CasStore;
import io.replicate.cas.store.Contents;
import io.replicate.cas.store.StoreSession;
import io.replicate.core.block.Block;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.Digest;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.Presence;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Session;
import io.replicate.core.spi.Stored;
import io.replicate.core.spi.Target;
import io.replicate.core.spi.Unit;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A Keep cluster as a store of blocks, by its keepstores or a keepproxy. Its places are the services that were known when
 * it was opened; blocks are written to those that are known at the time. Thread-safe.
 */
public final class KeepStore implements CasStore {
    private static final int PREFERRED_BYTES = 1 << 20;

    private final KeepClient client;
    private final BlockReader reader;
    private final BlockWriter writer;
    private final List<KeepService> services;
    private final Map<String, List<Long>> sizesByHash = new ConcurrentHashMap<>();
    private int @Nullable [] devices;

    /** Opens the cluster; see {@link KeepClient#KeepClient}. */
    public KeepStore(final KeepConfig config, final Cancellation cancellation) throws IOException {
        this.client = new KeepClient(config, cancellation);
        this.reader = new BlockReader(client);
        this.writer = new BlockWriter(client);
        this.services = client.services();
    }

    /** Returns what speaks to the servers. */
    public KeepClient client() {
        return client;
    }

    @Override
    public String name() {
        return client.config().name();
    }

    @Override
    public Digest.Algorithm algorithm() {
        return Digest.Algorithm.MD5;
    }

    @Override
    public int maxBlockBytes() {
        return KeepLocator.MAX_BLOCK_BYTES;
    }

    @Override
    public Geometry geometry() {
        return new Geometry(Unit.UNKNOWN, 1, PREFERRED_BYTES, KeepLocator.MAX_BLOCK_BYTES, false, false);
    }

    @Override
    public List<String> places() {
        return services.stream().map(KeepService::url).toList();
    }

    @Override
    public synchronized int deviceOf(final int place) {
        int[] known = devices;
        if (known == null) {
            known = findDevices();
            devices = known;
        }
        return known[place];
    }

    /** Lets the first service of each device stand for all of them. */
    private int[] findDevices() {
        final int[] found = new int[services.size()];
        final Map<String, Integer> first = new HashMap<>();
        for (int place = 0; place < found.length; place++) {
            found[place] = place;
            for (final String device : client.devices(services.get(place))) {
                final Integer other = first.putIfAbsent(device, place);
                if (other != null) {
                    found[place] = found[other];
                }
            }
        }
        return found;
    }

    @Override
    public boolean tellsPlacesApart() {
        return services.stream().allMatch(KeepService::isDisk);
    }

    @Override
    public int defaultCopies() throws IOException {
        return client.replication();
    }

    @Override
    public void index(final int place, final String prefix, final Entries entries) throws IOException {
        client.index(services.get(place), prefix, (hash, sizeBytes, mtimeNs) -> {
            try {
                entries.entry(hash, sizeBytes, mtimeNs);
            } catch (final ReplicationException e) {
                throw e;
            } catch (final IOException e) {
                throw ReplicationException.fail(String.valueOf(e.getMessage()), e);
            }
        });
    }

    /** Notes which sizes hashes were listed with: newer servers find a block only under its true one. */
    public void noteConflicts(final List<SizeConflict> conflicts) {
        conflicts.forEach(conflict -> sizesByHash.put(conflict.digest().hex(), conflict.sizesBytes()));
    }

    @Override
    public Plan<Digest> plan(final Selection selection) throws IOException {
        return Contents.plan(this, selection);
    }

    @Override
    public int read(final Digest unit, final Block into) throws IOException {
        final List<Long> sizes = sizesByHash.get(unit.hex());
        if (sizes == null) {
            return reader.read(unit, into);
        }
        IOException first = null;
        for (final long size : sizes) {
            if (size > into.capacity()) {
                continue;
            }
            try {
                final Digest candidate = Digest.of(Digest.Algorithm.MD5, unit.hash(), size);
                return reader.read(candidate, into);
            } catch (final ReplicationException e) {
                if (e.category() == Category.CANCELLED) {
                    throw e;
                }
                first = first == null ? e : first;
            }
        }
        throw first == null ? ReplicationException.corrupt(unit + ": no listed size is possible") : first;
    }

    @Override
    public Session<Digest> begin(final Target target) throws IOException {
        return new StoreSession(this, target.copies());
    }

    @Override
    public Presence stat(final Digest digest) throws IOException {
        final Set<Integer> holders = new HashSet<>();
        for (int place = 0; place < services.size(); place++) {
            if (ask(place, digest) == Finding.GOOD) {
                holders.add(deviceOf(place));
            }
        }
        return holders.isEmpty() ? Presence.ABSENT : new Presence(holders.size(), digest.lengthBytes());
    }

    @Override
    public List<Integer> placement(final Digest digest) {
        final List<KeepService> order = Rendezvous.order(
                digest.hex(),
                services.stream().filter(service -> !service.readOnly()).toList(),
                client.config().convention());
        return order.stream().map(services::indexOf).toList();
    }

    @Override
    public Stored store(final Digest digest, final Block from, final int copies, final Set<Integer> held)
            throws IOException {
        final List<KeepService> left = new ArrayList<>();
        for (final KeepService service : client.services()) {
            final int place = services.indexOf(service);
            if (!service.readOnly() && (place < 0 || held.isEmpty() || !held.contains(deviceOf(place)))) {
                left.add(service);
            }
        }
        return writer.write(
                digest,
                from,
                Rendezvous.order(digest.hex(), left, client.config().convention()),
                copies);
    }

    @Override
    public void storeAt(final int place, final Digest digest, final Block from) throws IOException {
        writer.write(digest, from, List.of(services.get(place)), 1);
    }

    @Override
    public Finding ask(final int place, final Digest digest) throws IOException {
        final HttpAnswer answer;
        try {
            answer = reader.head(services.get(place), digest);
        } catch (final ReplicationException e) {
            if (e.category() == Category.CANCELLED) {
                throw e;
            }
            return Finding.UNREADABLE;
        }
        return finding(answer);
    }

    private static Finding finding(final HttpAnswer answer) {
        return switch (answer.status()) {
            case 200 -> Finding.GOOD;
            case 404 -> Finding.MISSING;
            case 500, 502 -> Finding.DAMAGED;
            default -> Finding.UNREADABLE;
        };
    }

    @Override
    public Finding prove(final int place, final Digest digest, final Block into) throws IOException {
        try {
            reader.read(digest, into, List.of(services.get(place)));
            return Finding.GOOD;
        } catch (final KeepException e) {
            return switch (e.kind()) {
                case NOT_FOUND -> Finding.MISSING;
                case DAMAGED -> Finding.DAMAGED;
                // A new store finds the damage while it sends, and can only break off: asked without data, it says so.
                default -> ask(place, digest) == Finding.DAMAGED ? Finding.DAMAGED : Finding.UNREADABLE;
            };
        }
    }

    @Override
    public boolean touch(final int place, final Digest digest, final @Nullable Block from) throws IOException {
        final KeepService service = services.get(place);
        if (from != null) {
            storeAt(place, digest, from);
            return true;
        }
        // Only stores since 2020 know TOUCH; the older ones renew a block that is written again.
        final HttpAnswer answer = client.touch(service, digest.hex());
        if (answer.status() == 200) {
            return true;
        }
        if (answer.status() == 401 || answer.status() == 403) {
            throw ReplicationException.fail(
                    service.url() + ": TOUCH: " + client.redact(answer.summary()) + ": the system token is needed",
                    null);
        }
        return false;
    }

    @Override
    public void close() {
        client.close();
    }
}
