package io.replicate.cas.testing;

import io.replicate.cas.keep.BlobSigner;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A keepstore over one directory, on the loopback. Thread-safe.
 *
 * <p>Protocol source: the description of the keepstore's HTTP interface in {@code docs/protocols/keep.md}.
 */
public final class FakeKeepstore implements AutoCloseable {
    private static final int MAX_BLOCK_BYTES = 64 << 20;
    private static final Pattern BLOCK = Pattern.compile("/([0-9a-f]{32})((?:\\+[^/]*)?)");
    private static final Pattern INDEX = Pattern.compile("/index(?:/([^?]*))?(?:\\?prefix=(.*))?");
    private static final Pattern SIZE = Pattern.compile("\\+(\\d+)(?:\\+.*)?");

    private final Era era;
    private final String uuid;
    private final Blocks blocks;
    private final Faults faults = new Faults();
    private final IndexAnswers index;
    private final RequestLog log = new RequestLog();
    private final String systemToken;
    private final @Nullable BlobSigner signer;
    private final HttpServer server;
    private volatile List<String> storageClasses = List.of("default");
    private volatile String deviceId;

    /**
     * Starts a store on a free port.
     *
     * @param systemToken that an index needs.
     * @param signingKey of the cluster; empty for a store that asks for no signatures.
     * @param port to listen on, 0 for any.
     */
    public FakeKeepstore(
            final Era era,
            final String uuid,
            final Path directory,
            final String systemToken,
            final String signingKey,
            final Duration signatureTtl,
            final int port) {
        this.era = era;
        this.uuid = uuid;
        this.blocks = new Blocks(directory);
        this.index = new IndexAnswers(era, blocks, faults);
        this.systemToken = systemToken;
        this.signer = signingKey.isEmpty() ? null : new BlobSigner(signingKey, signatureTtl);
        this.deviceId = "device-of-" + uuid;
        this.server = new HttpServer(new Handler(), false, port);
    }

    /** Returns the service's UUID. */
    public String uuid() {
        return uuid;
    }

    /** Returns the port that it listens on. */
    public int port() {
        return server.port();
    }

    /** Returns the directory volume. */
    public Blocks blocks() {
        return blocks;
    }

    /** Returns what goes wrong. */
    public Faults faults() {
        return faults;
    }

    /** Returns what was asked. */
    public RequestLog log() {
        return log;
    }

    /** Sets the storage classes of the volume; only era H tells. */
    public FakeKeepstore storageClasses(final String... names) {
        storageClasses = List.of(names);
        return this;
    }

    /** Sets the device that the volume says it is on. */
    public FakeKeepstore deviceId(final String id) {
        deviceId = id;
        return this;
    }

    /** Drops all connections and refuses new ones. */
    public void down() {
        server.down();
    }

    /** Listens again. */
    public void up() {
        server.up();
    }

    @Override
    public void close() {
        server.close();
    }

    /** Answers a request without HTTP: what a proxy in this process does. */
    HttpServer.@Nullable Answer answerInProcess(final HttpServer.Request request) throws IOException {
        return new Handler().answer(request);
    }

    private final class Handler implements HttpServer.Handler {
        @Override
        public HttpServer.@Nullable Answer refuse(
                final HttpServer.Request request, final long contentLength, final boolean chunked) {
            if (!"PUT".equals(request.method())) {
                return null;
            }
            HttpServer.Answer refused = null;
            if (chunked || contentLength < 0) {
                refused = text(411, "Length Required");
            } else if (contentLength > MAX_BLOCK_BYTES) {
                refused = text(413, "Block is larger than " + MAX_BLOCK_BYTES);
            }
            if (refused != null) {
                log.begin();
                log.end(new RequestLog.Entry(request.method(), request.path(), request.headers(), refused.status()));
            }
            return refused;
        }

        @Override
        public HttpServer.Ending ending() {
            return faults.resetMidBody()
                    ? HttpServer.Ending.RESET
                    : faults.closeKept() ? HttpServer.Ending.CLOSE : HttpServer.Ending.AS_SAID;
        }

        @Override
        public HttpServer.@Nullable Answer answer(final HttpServer.Request request) throws IOException {
            log.begin();
            HttpServer.Answer answer = null;
            try {
                final boolean block = BLOCK.matcher(request.path()).matches();
                pause(block);
                answer = block && faults.closeBeforeAnswer() ? null : dispatch(request);
                return answer;
            } finally {
                log.end(new RequestLog.Entry(
                        request.method(), request.path(), request.headers(), answer == null ? 0 : answer.status()));
            }
        }
    }

    private void pause(final boolean block) throws IOException {
        try {
            if (block) {
                faults.awaitHanging();
            }
            Thread.sleep(faults.latency().toMillis());
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("stopped", e);
        }
    }

    private static HttpServer.Answer text(final int status, final String line) {
        return HttpServer.Answer.of(status, line + "\n").with("Content-Type", "text/plain; charset=utf-8");
    }

    private HttpServer.Answer dispatch(final HttpServer.Request request) {
        final Matcher block = BLOCK.matcher(request.path());
        if (block.matches()) {
            return block(request, block.group(1), block.group(2));
        }
        final Matcher index = INDEX.matcher(request.path());
        if ("GET".equals(request.method()) && index.matches()) {
            final String inPath = index.group(1) == null ? "" : index.group(1);
            return index(request, index.group(2) == null ? inPath : index.group(2));
        }
        if ("GET".equals(request.method()) && "/mounts".equals(request.path()) && era != Era.A) {
            return mounts(request);
        }
        if ("GET".equals(request.method()) && "/status.json".equals(request.path()) && era != Era.H) {
            return text(200, "{\"volumes\":[]}");
        }
        return text(400, "Bad Request");
    }

    private String token(final HttpServer.Request request) {
        final String header = request.header("authorization");
        final boolean known = header.startsWith("OAuth2 ") || (era == Era.H && header.startsWith("Bearer "));
        return known ? header.substring(header.indexOf(' ') + 1).trim() : "";
    }

    private HttpServer.Answer block(final HttpServer.Request request, final String hash, final String hints) {
        final boolean read = "GET".equals(request.method()) || "HEAD".equals(request.method());
        final int forced = faults.takeStatus(hash, read);
        if (forced != 0) {
            final HttpServer.Answer answer = text(forced, forced == 503 ? "Too many requests" : "as the test wished");
            final Duration retryAfter = faults.retryAfter();
            return retryAfter == null ? answer : answer.with("Retry-After", Long.toString(retryAfter.toSeconds()));
        }
        return switch (request.method()) {
            case "GET", "HEAD" -> era == Era.H ? readNew(request, hash, hints) : readOld(request, hash, hints);
            case "PUT" -> write(request, hash, hints);
            case "TOUCH" -> touch(request, hash);
            default -> text(405, "Method Not Allowed");
        };
    }

    private HttpServer.Answer readOld(final HttpServer.Request request, final String hash, final String hints) {
        if (signer != null) {
            final BlobSigner.Verdict verdict = signer.verify(hash + hints, token(request), Instant.now());
            if (verdict == BlobSigner.Verdict.EXPIRED) {
                return text(401, "Permission token expired");
            }
            if (verdict != BlobSigner.Verdict.VALID) {
                return text(403, "Forbidden");
            }
        }
        final byte[] data = blocks.read(hash);
        if (data == null) {
            return text(404, "Not Found");
        }
        if (!Blocks.md5(data).equals(hash)) {
            return text(500, "Hash mismatch in stored data");
        }
        return bytes(hash, data, Integer.MAX_VALUE);
    }

    private HttpServer.Answer readNew(final HttpServer.Request request, final String hash, final String hints) {
        final String token = token(request);
        if (token.isEmpty()) {
            return text(401, "no token provided in Authorization header");
        }
        final boolean empty = hash.equals(Blocks.md5(new byte[0]));
        final Matcher size = SIZE.matcher(hints);
        final boolean head = "HEAD".equals(request.method());
        if (!size.matches() && !empty && !head) {
            return text(405, "Method not allowed");
        }
        if (signer != null) {
            final BlobSigner.Verdict verdict = signer.verifyStrict(hash + hints, token, Instant.now());
            if (verdict == BlobSigner.Verdict.EXPIRED) {
                return text(401, "signature expired");
            }
            if (verdict != BlobSigner.Verdict.VALID) {
                return text(400, "invalid signature");
            }
        }
        final byte[] data = blocks.read(hash);
        if (data == null) {
            return text(404, "Not Found");
        }
        final long announced = size.matches() ? Long.parseLong(size.group(1)) : data.length;
        final boolean bad = announced != data.length || !Blocks.md5(data).equals(hash);
        if (!bad) {
            return bytes(hash, data, Integer.MAX_VALUE);
        }
        if (head) {
            return text(502, "checksum mismatch in stored data");
        }
        // It is streamed while it is checked: the connection ends short of the announced length.
        final byte[] body = Arrays.copyOf(data, (int) Math.min(announced, MAX_BLOCK_BYTES));
        return bytes(hash, body, Math.max(0, Math.min(data.length, body.length) - 1));
    }

    private HttpServer.Answer bytes(final String hash, final byte[] data, final int cutAt) {
        final byte[] body = data.clone();
        if (faults.wrongBytes(hash) && body.length > 0) {
            body[body.length / 2] ^= 1;
        }
        final int cut = faults.shortBodies() || faults.resetMidBody() ? Math.min(cutAt, body.length / 2) : cutAt;
        return new HttpServer.Answer(200, Map.of("Content-Type", "application/octet-stream"), body, cut, null);
    }

    private HttpServer.Answer write(final HttpServer.Request request, final String hash, final String hints) {
        if (!hints.isEmpty() && era != Era.H) {
            return text(405, "Method Not Allowed");
        }
        if (faults.full() || faults.readOnlyVolumes()) {
            return era == Era.H ? text(507, "Full") : text(503, "Full");
        }
        if (era == Era.H && confirmed(request).isEmpty()) {
            return text(507, "Full"); // no volume of a wanted class
        }
        final byte[] body = request.body();
        if (!Blocks.md5(body).equals(hash)) {
            return era == Era.H ? text(400, "checksum mismatch in request") : text(422, "Hash mismatch in request");
        }
        // Also when it is there already: that renews the time and heals a damaged copy.
        blocks.write(hash, body);
        final String locator = hash + "+" + body.length;
        final String token = token(request);
        final String answered = signer == null || token.isEmpty()
                ? locator
                : signer.sign(locator, token, Instant.now().plus(Duration.ofDays(14)));
        HttpServer.Answer answer =
                text(200, answered).with("X-Keep-Replicas-Stored", Integer.toString(faults.replicasSaid()));
        if (era == Era.H) {
            answer = answer.with("X-Keep-Storage-Classes-Confirmed", confirmed(request));
        }
        return answer;
    }

    private String confirmed(final HttpServer.Request request) {
        final String wanted = request.header("x-keep-storage-classes");
        final List<String> names = new ArrayList<>();
        for (final String name : wanted.isEmpty() ? new String[] {"default"} : wanted.split(",")) {
            if (storageClasses.contains(name.trim())) {
                names.add(name.trim() + "=1");
            }
        }
        return String.join(", ", names);
    }

    private HttpServer.Answer touch(final HttpServer.Request request, final String hash) {
        if (era != Era.H) {
            return text(405, "Method Not Allowed");
        }
        if (!token(request).equals(systemToken)) {
            return text(401, "Unauthorized");
        }
        if (blocks.read(hash) == null) {
            return text(404, "Not Found");
        }
        blocks.mtime(hash, Instant.now());
        return text(200, "");
    }

    private HttpServer.Answer mounts(final HttpServer.Request request) {
        if (era == Era.H && !token(request).equals(systemToken)) {
            return text(401, "Unauthorized");
        }
        final String mount = era == Era.H
                ? "{\"uuid\":\"%s-mount\",\"device_id\":\"%s\",\"allow_write\":true,\"replication\":1}"
                : "{\"UUID\":\"%s-mount\",\"DeviceID\":\"%s\",\"ReadOnly\":false,\"Replication\":1,\"Tier\":1}";
        return text(200, "[" + String.format(java.util.Locale.ROOT, mount, uuid, deviceId) + "]");
    }

    private HttpServer.Answer index(final HttpServer.Request request, final String prefix) {
        if (!token(request).equals(systemToken)) {
            return text(401, "Unauthorized");
        }
        if (!prefix.matches("[0-9a-f]{0,32}")) {
            return text(400, "invalid prefix");
        }
        return index.answer(prefix);
    }
}
