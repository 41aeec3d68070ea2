package io.replicate.examples.embedding;

import io.replicate.core.block.Block;
import io.replicate.core.file.Ranges;
import io.replicate.core.spi.Extent;
import io.replicate.core.spi.Geometry;
import io.replicate.core.spi.Plan;
import io.replicate.core.spi.ReplicationException;
import io.replicate.core.spi.Selection;
import io.replicate.core.spi.Source;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** An image on a web server that answers range requests. */
public final class HttpSource implements Source<Extent> {
    private final HttpClient client = HttpClient.newHttpClient();
    private final URI image;
    private final long size;

    /** Asks the server for the size of the image. */
    public HttpSource(final URI image) throws IOException {
        this.image = image;
        this.size = ask(request().method("HEAD", HttpRequest.BodyPublishers.noBody()), 200)
                .headers()
                .firstValueAsLong("content-length")
                .orElseThrow(() -> ReplicationException.misuse(image + ": the server does not tell the size"));
    }

    @Override
    public Geometry geometry() {
        return Geometry.bytes(size);
    }

    @Override
    public Plan<Extent> plan(final Selection selection) throws IOException {
        return Plan.of(Ranges.of(selection, size, image.toString()));
    }

    @Override
    public int read(final Extent unit, final Block into) throws IOException {
        into.length(0);
        if (unit.offset() >= size) {
            return -1;
        }
        final long last = Math.min(unit.end(), size) - 1;
        final byte[] body = ask(request().header("Range", "bytes=" + unit.offset() + "-" + last), 206)
                .body();
        if (body.length != last - unit.offset() + 1) {
            throw ReplicationException.retry("GET " + image + " offset=" + unit.offset() + ": cut short", null);
        }
        into.space().put(body);
        into.length(body.length);
        return body.length;
    }

    private HttpRequest.Builder request() {
        return HttpRequest.newBuilder(image).timeout(Duration.ofSeconds(30));
    }

    private HttpResponse<byte[]> ask(final HttpRequest.Builder request, final int expected) throws IOException {
        try {
            final HttpResponse<byte[]> answer = client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
            if (answer.statusCode() != expected) {
                throw ReplicationException.fail(image + ": HTTP status " + answer.statusCode(), null);
            }
            return answer;
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ReplicationException(ReplicationException.Category.CANCELLED, "interrupted", e);
        }
    }

    @Override
    public void close() {}
}
