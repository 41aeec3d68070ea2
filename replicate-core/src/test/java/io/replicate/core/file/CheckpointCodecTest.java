package io.replicate.core.file;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.spi.JobId;
import io.replicate.core.spi.Progress;
import io.replicate.core.spi.ReplicationException;
import java.nio.ByteBuffer;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;

class CheckpointCodecTest {
    @Provide
    Arbitrary<Map<String, byte[]>> values() {
        final Arbitrary<String> keys =
                Arbitraries.strings().withCharRange('!', '~').ofMinLength(1).ofMaxLength(255);
        return Arbitraries.maps(keys, Arbitraries.bytes().array(byte[].class).ofMaxSize(300))
                .ofMaxSize(20);
    }

    @Provide
    Arbitrary<String> jobs() {
        return Arbitraries.strings().alpha().numeric().ofMinLength(1).ofMaxLength(64);
    }

    @Property(tries = 300)
    void whatIsEncodedIsDecoded(@ForAll("jobs") final String job, @ForAll("values") final Map<String, byte[]> values)
            throws Exception {
        final ByteBuffer bytes = CheckpointCodec.encode(new JobId(job), new Progress(values));

        final CheckpointCodec.Content content = CheckpointCodec.decode(bytes, "test");

        assertThat(content.job().value()).isEqualTo(job);
        assertThat(content.progress().values().keySet()).isEqualTo(values.keySet());
        values.forEach(
                (key, value) -> assertThat(content.progress().values().get(key)).isEqualTo(value));
    }

    @Property(tries = 500)
    void anyBytesAreRefusedWithACategory(@ForAll final byte[] bytes, @ForAll final boolean magic) {
        if (magic) {
            System.arraycopy(CheckpointCodec.MAGIC, 0, bytes, 0, Math.min(bytes.length, CheckpointCodec.MAGIC.length));
        }
        try {
            CheckpointCodec.decode(ByteBuffer.wrap(bytes), "test");
            throw new AssertionError("random bytes passed for a checkpoint");
        } catch (final ReplicationException e) {
            assertThat(e).hasMessageContaining("test");
        }
    }

    @Property(tries = 500)
    void anyChangeIsNoticed(
            @ForAll("values") final Map<String, byte[]> values,
            @ForAll @IntRange(max = 1_000_000) final int where,
            @ForAll @IntRange(min = 1, max = 255) final int change) {
        final ByteBuffer encoded = CheckpointCodec.encode(new JobId("job"), new Progress(values));
        final byte[] bytes = new byte[encoded.remaining()];
        encoded.get(bytes);
        bytes[where % bytes.length] ^= (byte) change;

        try {
            CheckpointCodec.decode(ByteBuffer.wrap(bytes), "test");
            throw new AssertionError("the change passed");
        } catch (final ReplicationException e) {
            assertThat(e).hasMessageContaining("test");
        }
    }
}
