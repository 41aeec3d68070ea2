package io.replicate.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.nbd.protocol.Nbd;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What was acknowledged before a FLUSH that was acknowledged, on whichever connection, or with FUA, is there when the
 * power is back. Each sector holds the number of the write that it saw last.
 */
@Timeout(240)
class PowerLossTest {
    private static final int SECTORS = 64;
    private static final int ROUNDS = 60;
    private static final int MAX_BATCH = 12;
    private static final int TRIES = 25;

    private record Sent(RawClient client, long cookie, int sector, boolean fua, long[] acknowledgedBefore) {}

    private final long[] acknowledged = new long[SECTORS];
    private final long[] promised = new long[SECTORS];
    private long next = 1;

    /** Returns how many sectors lost what the server had promised. */
    private int lost(long seed, boolean honest) throws Exception {
        final Random random = new Random(seed);
        final VolatileDisk disk = new VolatileDisk(SECTORS, 20 + random.nextInt(ROUNDS * MAX_BATCH / 2), honest);
        java.util.Arrays.fill(acknowledged, 0);
        java.util.Arrays.fill(promised, 0);
        try (NbdServer server = NbdServer.builder()
                .export(Export.of("", disk.volume()))
                .tcp(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .start()) {
            try (RawClient one = new RawClient(server.port()).simple("");
                    RawClient two = new RawClient(server.port()).simple("")) {
                for (int round = 0; round < ROUNDS; round++) {
                    receive(send(random, List.of(one, two)));
                }
            }
        } catch (final java.io.IOException e) {
            assertThat(e).hasMessageContaining("power is off"); // the server flushes once more when it closes
        }
        final ByteBuffer found = ByteBuffer.wrap(disk.afterCrash(random));
        int lost = 0;
        for (int sector = 0; sector < SECTORS; sector++) {
            lost += found.getLong(sector * VolatileDisk.SECTOR) < promised[sector] ? 1 : 0;
        }
        return lost;
    }

    private List<Sent> send(Random random, List<RawClient> clients) throws Exception {
        final List<Sent> sent = new ArrayList<>();
        final int first = random.nextInt(SECTORS);
        final int batch = 1 + random.nextInt(MAX_BATCH);
        for (int i = 0; i < batch; i++) {
            final RawClient client = clients.get(random.nextInt(clients.size()));
            final long number = next++;
            if (random.nextInt(5) == 0) {
                client.request(0, Nbd.CMD_FLUSH, number, 0, 0);
                sent.add(new Sent(client, number, -1, false, acknowledged.clone()));
                continue;
            }
            final int sector = (first + i) % SECTORS; // once in a batch: order within it is nobody's promise
            final boolean fua = random.nextInt(4) == 0;
            final byte[] bytes =
                    ByteBuffer.allocate(VolatileDisk.SECTOR).putLong(number).array();
            client.request(
                    fua ? Nbd.CMD_FLAG_FUA : 0,
                    Nbd.CMD_WRITE,
                    number,
                    (long) sector * VolatileDisk.SECTOR,
                    bytes.length,
                    bytes);
            sent.add(new Sent(client, number, sector, fua, new long[0]));
        }
        return sent;
    }

    private void receive(List<Sent> sent) throws Exception {
        for (int i = 0; i < sent.size(); i++) {
            final RawClient client = sent.get(i).client;
            assertThat(client.in.readInt()).isEqualTo(Nbd.SIMPLE_REPLY_MAGIC);
            final int error = client.in.readInt();
            final long cookie = client.in.readLong();
            if (error != 0) {
                continue;
            }
            final Sent request =
                    sent.stream().filter(s -> s.cookie == cookie).findFirst().orElseThrow();
            if (request.sector < 0) {
                for (int sector = 0; sector < SECTORS; sector++) {
                    promised[sector] = Math.max(promised[sector], request.acknowledgedBefore[sector]);
                }
            } else {
                acknowledged[request.sector] = cookie;
                if (request.fua) {
                    promised[request.sector] = cookie;
                }
            }
        }
    }

    @Test
    void noAcknowledgedFlushIsLost() throws Exception {
        final long seed = System.nanoTime();
        for (int i = 0; i < TRIES; i++) {
            assertThat(lost(seed + i, true)).as("seed %d", seed + i).isZero();
        }
    }

    @Test
    void aDiskThatLiesIsCaught() throws Exception {
        final long seed = System.nanoTime();
        int lost = 0;
        for (int i = 0; i < TRIES; i++) {
            lost += lost(seed + i, false);
        }
        assertThat(lost).as("seed %d", seed).isPositive();
    }
}
