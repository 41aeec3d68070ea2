package io.replicate.ring.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.ReplicationException;
import io.replicate.ring.internal.ControlMessage.Accept;
import io.replicate.ring.internal.ControlMessage.Child;
import io.replicate.ring.internal.ControlMessage.ChildLost;
import io.replicate.ring.internal.ControlMessage.Children;
import io.replicate.ring.internal.ControlMessage.DataHello;
import io.replicate.ring.internal.ControlMessage.DataReady;
import io.replicate.ring.internal.ControlMessage.Done;
import io.replicate.ring.internal.ControlMessage.Offer;
import io.replicate.ring.internal.ControlMessage.ParentSilent;
import io.replicate.ring.internal.ControlMessage.Ping;
import io.replicate.ring.internal.ControlMessage.Refuse;
import io.replicate.ring.internal.ControlMessage.Result;
import io.replicate.ring.internal.ControlMessage.Status;
import java.nio.ByteBuffer;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ControlCodecTest {

    @Provide
    Arbitrary<ControlMessage> messages() {
        final Arbitrary<Integer> ints = Arbitraries.integers();
        final Arbitrary<Long> longs = Arbitraries.longs();
        final Arbitrary<Boolean> booleans = Arbitraries.of(true, false);
        final Arbitrary<String> strings =
                Arbitraries.strings().all().ofMaxLength(200).map(ControlCodecTest::encodable);
        final Arbitrary<Child> children = Combinators.combine(
                        ints, strings, ints, strings.list().ofMaxSize(4))
                .as(Child::new);
        final Arbitrary<ControlMessage> offers = Combinators.combine(
                        ints, strings, longs.tuple2(), booleans.tuple2(), strings.tuple3(), ints.tuple5())
                .as((a, s, l, b, t, i) -> new Offer(
                        a, s, i.get5(), t.get1(), l.get1(), l.get2(), b.get1(), b.get2(), t.get2(), t.get3(), i.get1(),
                        i.get2(), i.get3(), i.get4()));
        final Arbitrary<ControlMessage> results = Combinators.combine(
                        booleans.tuple2(),
                        longs.tuple3(),
                        strings,
                        strings.filter(s -> !s.isEmpty()).injectNull(0.3))
                .as((b, l, s, r) -> new Result(b.get1(), l.get1(), l.get2(), s, b.get2(), l.get3(), r));
        return Arbitraries.oneOf(
                offers,
                results,
                Combinators.combine(ints, longs, longs, longs, strings).as(Accept::new),
                Combinators.combine(booleans, strings).as(Refuse::new),
                Combinators.combine(ints, children.list().ofMaxSize(5)).as(Children::new),
                Combinators.combine(ints, longs, longs, longs).as(Status::new),
                longs.map(Ping::new),
                Combinators.combine(ints, booleans, strings).as(ChildLost::new),
                Combinators.combine(ints, strings).as(ParentSilent::new),
                Combinators.combine(booleans, strings).as(Done::new),
                Combinators.combine(ints, strings, ints, ints, ints, ints).as(DataHello::new),
                longs.map(DataReady::new));
    }

    /** Half a surrogate pair cannot be a string on the wire. */
    private static String encodable(final String text) {
        return new String(
                text.getBytes(java.nio.charset.StandardCharsets.UTF_8), java.nio.charset.StandardCharsets.UTF_8);
    }

    private static ByteBuffer encode(final ControlMessage message) {
        final ByteBuffer bytes = ByteBuffer.allocate(ControlCodec.MAX_BYTES);
        ControlCodec.encode(message, bytes);
        return bytes.flip();
    }

    @Property
    void aBufferThatIsTooSmallIsReplacedByOneThatHoldsTheSame(@ForAll("messages") final ControlMessage message) {
        final ByteBuffer grown = ControlCodec.encode(message, ByteBuffer.allocate(16));

        assertThat(grown.flip()).isEqualTo(encode(message));
    }

    @Property
    void whatIsEncodedIsDecoded(@ForAll("messages") final ControlMessage message) throws Exception {
        assertThat(ControlCodec.decode(encode(message))).isEqualTo(message);
    }

    @Property
    void aMessageThatIsCutShortOrTooLongIsCorrupt(
            @ForAll("messages") final ControlMessage message, @ForAll @IntRange(max = 400) final int at) {
        final ByteBuffer whole = encode(message);
        final ByteBuffer cut = whole.duplicate().limit(at % whole.limit());
        assertThatThrownBy(() -> ControlCodec.decode(cut)).isInstanceOf(ReplicationException.class);

        final ByteBuffer longer =
                ByteBuffer.allocate(whole.limit() + 1).put(whole).rewind();
        assertThatThrownBy(() -> ControlCodec.decode(longer))
                .isInstanceOf(ReplicationException.class)
                .hasMessageContaining("too long");
    }

    @Property
    void aChangedByteIsAnotherMessageOrCorruptAndNeverAnythingElse(
            @ForAll("messages") final ControlMessage message,
            @ForAll @IntRange(max = 100_000) final int at,
            @ForAll final byte value) {
        final ByteBuffer bytes = encode(message);
        bytes.put(at % bytes.limit(), value);
        try {
            assertThat(ControlCodec.decode(bytes)).isNotNull();
        } catch (final ReplicationException e) {
            assertThat(e.category()).isEqualTo(ReplicationException.Category.CORRUPT);
        }
    }

    @Property
    void anyBytesAreAMessageOrCorrupt(@ForAll final byte[] garbage) {
        try {
            assertThat(ControlCodec.decode(ByteBuffer.wrap(garbage))).isNotNull();
        } catch (final ReplicationException e) {
            assertThat(e.category()).isEqualTo(ReplicationException.Category.CORRUPT);
        }
    }

    @Test
    void aListLongerThanAllowedIsRefusedBeforeItIsRead() {
        final ByteBuffer children = ByteBuffer.allocate(7)
                .put((byte) 4)
                .putInt(1)
                .putShort((short) 0xffff)
                .flip();
        assertThatThrownBy(() -> ControlCodec.decode(children)).hasMessageContaining("list of 65535, at most 1024");
    }

    @Test
    void aMessageThatDoesNotFitIsTheCallersMistake() {
        final Child child = new Child(1, "n", 1, List.of("x".repeat(4000)));
        final Children many = new Children(1, java.util.Collections.nCopies(100, child));
        assertThatThrownBy(() -> encode(many)).isInstanceOf(IllegalArgumentException.class);
    }
}
