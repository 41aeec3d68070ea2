package io.replicate.cas.internal.http;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.handler.codec.PrematureChannelClosureException;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.replicate.core.spi.Cancellation;
import io.replicate.core.spi.ReplicationException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A request under way and its answer. Its state belongs to the event loop of its connection; whoever started it only
 * waits. When the waiting is over, by an answer or by a failure, the memory of the body and of the sink is not touched any
 * more.
 */
@SuppressWarnings("FutureReturnValueIgnored") // what becomes of a close or a write is heard by the handler
public final class HttpExchange {
    /** Bodies are written in slices, so that each one that leaves counts as a sign of life. */
    private static final int SLICE_BYTES = 1 << 18;

    private static final long LOOK_NS = 200_000_000L;

    private final HttpOrigin origin;
    private final HttpCall call;
    private final long startNs = System.nanoTime();
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile long lifeNs = startNs;
    private volatile boolean aborted;
    private volatile @Nullable Channel channel;
    private volatile @Nullable IOException failure;
    private volatile @Nullable HttpAnswer answer;

    // Owned by the event loop.
    private boolean reused;
    private int pendingWrites;
    private boolean keepAlive = true;
    private boolean bodyCutShort;
    private @Nullable IOException broken;
    private final Answering answering;

    HttpExchange(final HttpOrigin origin, final HttpCall call) {
        this.origin = origin;
        this.call = call;
        this.answering = new Answering(call, place());
    }

    /**
     * Waits for the end of the exchange.
     *
     * @param idle how long it may stand without a byte moving.
     * @return the answer, whatever its status.
     * @throws ReplicationException RETRY when the connection failed or stood still or the body was short, what the sink
     *     threw, CANCELLED when the cancellation was requested.
     */
    public HttpAnswer await(final Duration idle, final Cancellation cancellation) throws IOException {
        try {
            while (!ended.await(LOOK_NS, TimeUnit.NANOSECONDS)) {
                if (aborted) {
                    continue;
                }
                if (cancellation.isRequested()) {
                    abort(new ReplicationException(
                            ReplicationException.Category.CANCELLED, "stopped during " + place()));
                } else if (System.nanoTime() - lifeNs > idle.toNanos()) {
                    abort(ReplicationException.retry(place() + ": nothing moved for " + shown(idle), null));
                }
            }
        } catch (final InterruptedException e) {
            abort(new ReplicationException(
                    ReplicationException.Category.CANCELLED, "interrupted during " + place(), e));
            awaitEndUninterruptibly();
            Thread.currentThread().interrupt();
        }
        final HttpAnswer result = answer;
        if (result != null) {
            return result;
        }
        final IOException cause = failure;
        throw new ReplicationException(
                ReplicationException.categoryOf(cause == null ? new IOException() : cause),
                cause == null ? place() + " ended" : String.valueOf(cause.getMessage()),
                cause);
    }

    /** Waits for the end with the idle time of the server's limits. */
    public HttpAnswer await(final Cancellation cancellation) throws IOException {
        return await(origin.limits().idle(), cancellation);
    }

    private void awaitEndUninterruptibly() {
        boolean interrupted = true;
        while (interrupted) {
            try {
                ended.await();
                interrupted = false;
            } catch (final InterruptedException e) {
                // The memory of the body must not be given back before the event loop has let go of it.
                interrupted = true;
            }
        }
    }

    private String place() {
        return call.method() + " " + origin.url();
    }

    private static String shown(final Duration idle) {
        return idle.toMillisPart() == 0 ? idle.toSeconds() + " s" : idle.toMillis() + " ms";
    }

    private void abort(final IOException why) {
        aborted = true;
        final Channel open = channel;
        if (open == null) {
            // Still connecting: that ends by itself, and sendOn() looks at the flag.
            failure = why;
            return;
        }
        open.eventLoop().execute(() -> breakOff(why));
    }

    /** Ends an exchange that has no connection. */
    void fail(final IOException cause) {
        if (failure == null) {
            failure = cause;
        }
        end();
    }

    void sendOn(final Channel connection, final boolean kept) {
        channel = connection;
        connection.eventLoop().execute(() -> send(connection, kept));
    }

    private void send(final Channel connection, final boolean kept) {
        lifeNs = System.nanoTime();
        if (aborted) {
            connection.close();
            fail(ReplicationException.retry(place() + " was given up", null));
            return;
        }
        if (!connection.isActive()) {
            // Closed since it was taken: its handlers may be gone already.
            if (kept) {
                origin.connect(this);
            } else {
                fail(ReplicationException.retry(place() + ": the connection was closed before the request", null));
            }
            return;
        }
        reused = kept;
        // Counted as one more write, so that a first one that fails at once does not end this before the last is out.
        pendingWrites++;
        connection.pipeline().get(ExchangeHandler.class).exchange = this;
        final HttpRequest request =
                new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.valueOf(call.method()), call.path());
        request.headers().set("Host", origin.hostHeader());
        for (final Map.Entry<String, String> header : call.headers()) {
            request.headers().add(header.getKey(), header.getValue());
        }
        final ByteBuffer body = call.body();
        if (body != null) {
            request.headers().set("Content-Length", body.remaining());
        }
        write(connection, request);
        if (body != null) {
            for (int at = body.position(); at < body.limit(); at += SLICE_BYTES) {
                final ByteBuffer slice = body.slice(at, Math.min(SLICE_BYTES, body.limit() - at));
                write(connection, new DefaultHttpContent(Unpooled.wrappedBuffer(slice)));
            }
        }
        write(connection, LastHttpContent.EMPTY_LAST_CONTENT);
        connection.flush();
        pendingWrites--;
        endWhenDone(connection);
    }

    private void write(final Channel connection, final Object message) {
        pendingWrites++;
        final ChannelFuture written = connection.write(message);
        written.addListener(done -> {
            pendingWrites--;
            lifeNs = System.nanoTime();
            if (!done.isSuccess()) {
                bodyCutShort = true;
                broken = broken != null
                        ? broken
                        : ReplicationException.retry(
                                place() + ": sending failed: " + done.cause().getMessage(), done.cause());
            }
            endWhenDone(connection);
        });
    }

    void head(final HttpResponse response) {
        try {
            answering.head(response);
        } catch (final IOException e) {
            breakOff(e);
        }
    }

    void content(final Channel connection, final HttpContent content) {
        if (aborted) {
            return;
        }
        try {
            answering.content(content);
        } catch (final IOException e) {
            breakOff(e);
            return;
        }
        if (answering.begun()) {
            // A server that sends nothing but 100 Continue is not alive.
            lifeNs = System.nanoTime();
        }
        if (answering.complete()) {
            endWhenDone(connection);
        }
    }

    void malformed(final Throwable cause) {
        if (cause instanceof PrematureChannelClosureException) {
            return; // what becomes of it is decided when the connection is known to be gone
        }
        final String what = cause instanceof IOException ? ": the connection failed: " : ": the answer is not HTTP: ";
        final IOException why = ReplicationException.retry(
                place() + what + HttpAnswer.shown(String.valueOf(cause.getMessage())), cause);
        if (cause instanceof IOException && reused && !answering.begun()) {
            // A reset is one way for a server to close a kept connection: the request goes out once more.
            broken = why;
            return;
        }
        breakOff(why);
    }

    /** The connection is gone. */
    void inactive(final Channel connection) {
        if (broken == null && !answering.complete()) {
            broken = ReplicationException.retry(
                    place() + ": the connection was closed after " + answering.receivedBytes() + " bytes of the answer",
                    null);
        }
        keepAlive = false;
        endWhenDone(connection);
    }

    private void breakOff(final IOException why) {
        if (ended.getCount() == 0) {
            return;
        }
        aborted = true;
        if (broken == null || !answering.complete()) {
            broken = why;
        }
        final Channel open = channel;
        if (open != null) {
            open.close();
        }
    }

    private void endWhenDone(final Channel connection) {
        if (ended.getCount() == 0) {
            return;
        }
        if (pendingWrites > 0) {
            if (answering.complete()) {
                // Refused before the whole body was sent: what is left of it is dropped with the connection.
                keepAlive = false;
                bodyCutShort = true;
                connection.close();
            }
            return;
        }
        if (!answering.complete() && connection.isActive()) {
            return;
        }
        // A closed connection may have lost its handlers before its last write is known to have failed.
        final ExchangeHandler handler = connection.pipeline().get(ExchangeHandler.class);
        if (handler != null) {
            handler.exchange = null;
        }
        if (answering.complete() && answering.succeeded() && bodyCutShort) {
            failure = ReplicationException.retry(
                    place() + ": it said that all is well before it had the whole body", null);
            end();
        } else if (answering.complete()) {
            if (keepAlive && answering.keepsConnection()) {
                origin.giveBack(connection);
            } else {
                connection.close();
            }
            answer = answering.answer(System.nanoTime() - startNs);
            end();
        } else if (reused && !answering.begun() && !aborted) {
            // The server had closed the kept connection: the request is idempotent, and goes out once more.
            broken = null;
            reused = false;
            keepAlive = true;
            bodyCutShort = false;
            origin.connect(this);
        } else {
            failure = broken;
            end();
        }
    }

    private void end() {
        if (ended.getCount() > 0) {
            origin.gate().leave();
            ended.countDown();
        }
    }
}
