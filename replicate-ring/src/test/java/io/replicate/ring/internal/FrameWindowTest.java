package io.replicate.ring.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;

class FrameWindowTest {
    private static Frame frame(final long number) {
        return Frame.stored(0, number, 1, 0);
    }

    @Property
    void isAListFromWhichTheFirstAreTaken(@ForAll @Size(max = 300) final List<Boolean> adds) {
        final FrameWindow window = new FrameWindow();
        final List<Frame> all = new ArrayList<>();
        int taken = 0;
        for (final boolean add : adds) {
            if (add || window.isEmpty()) {
                final Frame next = frame(all.size());
                all.add(next);
                window.add(next);
            } else {
                assertThat(window.removeFirst()).isSameAs(all.get(taken++));
            }
            assertThat(window.first()).isEqualTo(taken);
            assertThat(window.end()).isEqualTo(all.size());
            assertThat(window.size()).isEqualTo(all.size() - taken);
            for (int number = taken; number < all.size(); number++) {
                assertThat(window.get(number)).isSameAs(all.get(number));
            }
        }
        final int gone = taken;
        assertThatThrownBy(() -> window.get(gone - 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> window.get(all.size())).isInstanceOf(IndexOutOfBoundsException.class);

        final List<Frame> drained = new ArrayList<>();
        window.drain(drained::add);

        assertThat(drained).isEqualTo(all.subList(taken, all.size()));
        assertThat(window.isEmpty()).isTrue();
    }
}
