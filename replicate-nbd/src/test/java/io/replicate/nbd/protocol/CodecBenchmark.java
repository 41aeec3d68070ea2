package io.replicate.nbd.protocol;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** A request header and the headers of its reply, compact and extended. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class CodecBenchmark {
    private final ByteBuf buffer = Unpooled.directBuffer(256, 256);
    private final RequestHeader header = new RequestHeader();
    private long cookie;

    @Param({"false", "true"})
    public boolean extended;

    @Benchmark
    public long request() {
        buffer.clear();
        RequestHeader.encode(buffer, extended, 0, Nbd.CMD_READ, cookie++, cookie << 12, 4096);
        return header.decode(buffer, 0, extended) ? header.cookie() : -1;
    }

    @Benchmark
    public int simpleReply() {
        buffer.clear();
        ReplyCodec.simple(buffer, NbdError.OK, cookie++);
        return buffer.writerIndex();
    }

    @Benchmark
    public int chunks() {
        buffer.clear();
        ReplyCodec.data(buffer, extended, false, cookie++, 0, 0, 4096);
        ReplyCodec.hole(buffer, extended, false, cookie, 0, 4096, 4096);
        ReplyCodec.none(buffer, extended, cookie, 0);
        return buffer.writerIndex();
    }
}
