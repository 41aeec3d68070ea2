package io.replicate.cas.keep;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RendezvousTest {
    private static KeepService service(final String uuid) {
        return new KeepService(uuid, "http://" + uuid, "disk", false);
    }

    private static String lastDigits(final String hash, final List<KeepService> services) {
        return Rendezvous.order(hash, services, Rendezvous.Convention.GO).stream()
                .map(s -> s.uuid().substring(s.uuid().length() - 1))
                .collect(Collectors.joining());
    }

    private static List<KeepService> services(final String prefix, final int count) {
        final List<KeepService> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.add(service(prefix + Integer.toHexString(i)));
        }
        return all;
    }

    @ParameterizedTest
    @CsvSource({
        "10eab6008d5642cf42abd2aa41f847cb, 3eab2d5fc9681074",
        "9a25b027482b37e047104e2e532cabae, 097dba52e648f1c3",
        "ece15765f11abfb7d3c71995a3d63bfe, c5b4e023f8a7d691",
        "0c1728e2354416472350c906ca8b5718, 9d81c02e76a3bf54"
    })
    void ordersSixteenServicesAsTheReferenceDoes(final String hash, final String order) {
        assertThat(lastDigits(hash, services("zzzzz-bi6l4-00000000000000", 16))).isEqualTo(order);
    }

    @ParameterizedTest
    @CsvSource({
        "acbd18db4cc2f85cedef654fccc4a4d8, 3021",
        "37b51d194a7513e45b56f6524f2d51f2, 1302",
        "d41d8cd98f00b204e9800998ecf8427e, 1032",
        "73feffa4b7f6bb68e44cf984c85f6e88, 2031"
    })
    void ordersFourServicesAsTheRealToolDoes(final String hash, final String order) {
        assertThat(lastDigits(hash, services("zabcd-bi6l4-00000000000000", 4))).isEqualTo(order);
    }

    @Test
    void takesKeysThatAreNoUuidsWhole() {
        final List<KeepService> services = Stream.of(
                        "zabcd-bi6l4-a1b2c3d4e5f6g7h", "zabcd-bi6l4-000000000000001", "short")
                .map(RendezvousTest::service)
                .toList();

        assertThat(Rendezvous.order("acbd18db4cc2f85cedef654fccc4a4d8", services, Rendezvous.Convention.GO))
                .containsExactly(services.get(0), services.get(2), services.get(1));
        assertThat(Rendezvous.order("37b51d194a7513e45b56f6524f2d51f2", services, Rendezvous.Convention.GO))
                .containsExactly(services.get(1), services.get(0), services.get(2));
    }

    @Test
    void theConventionsDifferForUuidsOf28CharactersOnly() {
        final List<KeepService> odd = services("zzzzz-bi6l4-000000000000000", 16);
        final List<KeepService> usual = services("zzzzz-bi6l4-00000000000000", 16);
        final String hash = "10eab6008d5642cf42abd2aa41f847cb";

        assertThat(odd.get(0).uuid()).hasSize(28);
        // Python cuts to the last 15 characters, which makes the keys those of the usual UUIDs.
        assertThat(digits(Rendezvous.order(hash, odd, Rendezvous.Convention.PYTHON)))
                .isEqualTo("3eab2d5fc9681074");
        assertThat(digits(Rendezvous.order(hash, odd, Rendezvous.Convention.GO)))
                .isNotEqualTo("3eab2d5fc9681074");
        assertThat(Rendezvous.order(hash, usual, Rendezvous.Convention.PYTHON))
                .isEqualTo(Rendezvous.order(hash, usual, Rendezvous.Convention.GO));
    }

    private static String digits(final List<KeepService> services) {
        return services.stream()
                .map(s -> s.uuid().substring(s.uuid().length() - 1))
                .collect(Collectors.joining());
    }

    @Property(tries = 20)
    void moreServicesMoveFewBlocks(@ForAll @IntRange(min = 2, max = 10) final int before, @ForAll final long seed) {
        final int added = 5;
        final List<KeepService> all =
                new ArrayList<>(services("zzzzz-bi6l4-00000000000000", 16)).subList(0, before + added);
        final Random random = new Random(seed);
        final int blocks = 1500;
        long moved = 0;
        for (int i = 0; i < blocks; i++) {
            final String hash = String.format("%016x%016x", random.nextLong(), random.nextLong());
            final KeepService best = Rendezvous.order(hash, all.subList(0, before), Rendezvous.Convention.GO)
                    .get(0);
            moved += Rendezvous.order(hash, all, Rendezvous.Convention.GO).indexOf(best);
        }
        // The best server of n falls back by k/(n+1) places on average when k are added.
        assertThat((double) moved / blocks).isBetween(0.75 * added / (before + 1), 1.25 * added / (before + 1));
    }
}
