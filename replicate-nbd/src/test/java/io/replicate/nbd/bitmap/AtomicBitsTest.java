package io.replicate.nbd.bitmap;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

class AtomicBitsTest {
    private static final int BITS = 200_000;

    @Property
    void behavesAsABitSet(
            @ForAll @Size(max = 20) List<@IntRange(max = BITS - 1) Integer> starts,
            @ForAll @IntRange(max = 70_000) int length,
            @ForAll @IntRange(max = BITS - 1) int from) {
        final AtomicBits bits = new AtomicBits(BITS);
        final BitSet model = new BitSet();
        boolean set = true;
        for (final int start : starts) {
            final int end = Math.min(BITS - 1, start + length);
            if (set) {
                bits.set(start, end);
            } else {
                bits.clear(start, end);
            }
            model.set(start, end + 1, set);
            set = !set;
        }

        assertThat(bits.count()).isEqualTo(model.cardinality());
        assertThat(bits.get(from)).isEqualTo(model.get(from));
        final int nextSet = model.nextSetBit(from);
        assertThat(bits.next(from, true)).isEqualTo(nextSet < 0 ? BITS : nextSet);
        assertThat(bits.next(from, false)).isEqualTo(Math.min(BITS, model.nextClearBit(from)));
        assertThat(bits.all(from, Math.min(BITS - 1, from + 100)))
                .isEqualTo(model.nextClearBit(from) > Math.min(BITS - 1, from + 100));
    }
}
