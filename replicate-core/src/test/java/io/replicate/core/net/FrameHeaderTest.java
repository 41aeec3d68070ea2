package io.replicate.core.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.ReplicationException.Category;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class FrameHeaderTest {
    private static final int MAX_PAYLOAD = 1 << 20;

    private static FrameHeader received(final ByteBuffer bytes) {
        final FrameHeader header = new FrameHeader();
        header.bytes().put(bytes);
        return header;
    }

    private static void assertCorrupt(final ByteBuffer bytes, final int maxPayload) {
        assertThatThrownBy(() -> received(bytes).verify(maxPayload))
                .isInstanceOfSatisfying(
                        ReplicationException.class,
                        e -> assertThat(e.category()).isEqualTo(Category.CORRUPT));
    }

    @Property
    void everyFieldArrivesAsItWasSet(
            @ForAll @IntRange(max = 255) final int type,
            @ForAll @IntRange(max = 255) final int flags,
            @ForAll @IntRange(max = 65535) final int stream,
            @ForAll @LongRange(max = Long.MAX_VALUE / 2) final long position,
            @ForAll @LongRange(max = Long.MAX_VALUE / 2) final long extentLength,
            @ForAll @IntRange(max = MAX_PAYLOAD) final int payloadLength,
            @ForAll final int payloadCrc)
            throws Exception {
        final FrameHeader sent =
                new FrameHeader().set(type, flags, stream, position, extentLength, payloadLength, payloadCrc);

        final FrameHeader header = received(sent.seal());
        header.verify(MAX_PAYLOAD);

        assertThat(header.type()).isEqualTo(type);
        assertThat(header.flags()).isEqualTo(flags);
        assertThat(header.stream()).isEqualTo(stream);
        assertThat(header.position()).isEqualTo(position);
        assertThat(header.extentLength()).isEqualTo(extentLength);
        assertThat(header.payloadLength()).isEqualTo(payloadLength);
        assertThat(header.payloadCrc()).isEqualTo(payloadCrc);
    }

    @Property
    void everyFlippedBitIsFound(
            @ForAll @IntRange(max = 255) final int type,
            @ForAll @LongRange(max = 1L << 50) final long position,
            @ForAll @IntRange(max = MAX_PAYLOAD) final int payloadLength) {
        final ByteBuffer bytes = new FrameHeader()
                .set(type, 0, 0, position, payloadLength, payloadLength, 42)
                .seal();

        for (int bit = 0; bit < FrameHeader.LENGTH * 8; bit++) {
            final int index = bit / 8;
            final byte right = bytes.get(index);
            bytes.put(index, (byte) (right ^ 1 << bit % 8));
            assertCorrupt(bytes.duplicate(), MAX_PAYLOAD);
            bytes.put(index, right);
        }
    }

    @Property
    void noiseIsNotAHeader(@ForAll @Size(FrameHeader.LENGTH) final byte[] noise) {
        noise[0] |= 1; // all zeros would have a CRC that is not zero, too; a huge payload is the more dangerous case
        assertCorrupt(ByteBuffer.wrap(noise), Integer.MAX_VALUE);
    }

    @Test
    void zerosAreNotAHeader() {
        assertCorrupt(ByteBuffer.allocate(FrameHeader.LENGTH), MAX_PAYLOAD);
    }

    @Test
    void numbersOutOfRangeAreRefusedThoughTheCrcIsRight() {
        assertCorrupt(new FrameHeader().set(1, 0, 0, 0, 0, 4097, 0).seal(), 4096);
        assertCorrupt(new FrameHeader().set(1, 0, 0, 0, 0, -1, 0).seal(), MAX_PAYLOAD);
        assertCorrupt(new FrameHeader().set(1, 0, 0, -1, 0, 0, 0).seal(), MAX_PAYLOAD);
        assertCorrupt(new FrameHeader().set(1, 0, 0, 0, -1, 0, 0).seal(), MAX_PAYLOAD);
        assertCorrupt(new FrameHeader().set(1, 0, 0, Long.MAX_VALUE, 1, 0, 0).seal(), MAX_PAYLOAD);
    }

    /** Pins the wire format. */
    @Test
    void theBytesAreThoseOfTheTable() {
        final ByteBuffer bytes = new FrameHeader()
                .set(0x11, 0x82, 0x0304, 0x0102030405060708L, 0x1112131415161718L, 0x00012345, 0xcafebabe)
                .seal();
        final byte[] content = new byte[28];
        bytes.get(content);

        assertThat(HexFormat.of().formatHex(content))
                .isEqualTo("00012345" + "11" + "82" + "0304" + "0102030405060708" + "1112131415161718" + "cafebabe");
        final java.util.zip.CRC32C crc = new java.util.zip.CRC32C();
        crc.update(content);
        assertThat(bytes.getInt()).isEqualTo((int) crc.getValue());
    }
}
