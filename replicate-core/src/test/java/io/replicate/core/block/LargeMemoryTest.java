package io.replicate.core.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.util.internal.PlatformDependent;
import io.replicate.core.posix.Posix;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LargeMemoryTest {

    @ParameterizedTest
    @ValueSource(ints = {LargeMemory.MIN_BYTES - 1, LargeMemory.MIN_BYTES, LargeMemory.MIN_BYTES + 1, (5 << 20) + 7})
    void aBlockIsZeroedAndAlignedAndUsedToItsLastByte(final int capacity) {
        final Block block = Block.unpooled(capacity);
        final ByteBuffer space = block.space();
        assertThat(block.capacity()).isEqualTo(capacity);
        assertThat(space.isDirect()).isTrue();
        assertThat(block.address()).isEqualTo(Posix.get().addressOf(space)).isPositive();
        assertThat(block.address() % Block.ALIGNMENT).isZero();
        assertThat(space.get(0)).isZero();
        assertThat(space.get(capacity - 1)).isZero();
        for (int at = 0; at < capacity; at++) {
            space.put(at, (byte) at);
        }
        block.length(capacity);
        assertThat(block.bytes().get(capacity - 1)).isEqualTo((byte) (capacity - 1));
        block.release();
    }

    @Test
    void onlySoMuchOfItIsTakenAndItComesBackWhenNobodySeesItAnyMore() {
        final long most = PlatformDependent.estimateMaxDirectMemory() / 2;
        final int each = (int) Math.min(64 << 20, most / 4);
        final List<ByteBuffer> views = new ArrayList<>();
        for (ByteBuffer memory = LargeMemory.allocate(each); memory != null; memory = LargeMemory.allocate(each)) {
            views.add(memory.slice(each - 1, 1));
        }
        assertThat((long) views.size() * each).isPositive().isLessThanOrEqualTo(most);
        views.forEach(view -> view.put(0, (byte) 1));
        views.clear();
        await().atMost(Duration.ofSeconds(60)).until(() -> {
            System.gc();
            return LargeMemory.allocate(each) != null;
        });
    }
}
