package io.replicate.ring.dolly;

import io.replicate.core.block.Block;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/** A stream of unknown length: standard input, a pipe, the output of tar. */
final class InputSource implements StreamSource {
    /** Looks at the end whether the stream was whole. */
    interface EndCheck {
        void check() throws IOException;
    }

    private final String name;
    private final InputStream in;
    private final EndCheck end;
    private final byte[] buffer = new byte[64 << 10];

    InputSource(final String name, final InputStream in, final EndCheck end) {
        this.name = name;
        this.in = in;
        this.end = end;
    }

    @Override
    public boolean read(final Block into, final int most) throws IOException {
        final ByteBuffer space = into.space().limit(most);
        while (space.hasRemaining()) {
            final int n = in.read(buffer, 0, Math.min(buffer.length, space.remaining()));
            if (n < 0) {
                break;
            }
            space.put(buffer, 0, n);
            if (in.available() == 0) {
                break; // do not hold back what has come
            }
        }
        into.length(space.position());
        if (into.length() == 0) {
            end.check();
        }
        return into.length() > 0;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }

    @Override
    public String toString() {
        return name;
    }
}
