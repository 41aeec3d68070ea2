package io.replicate.nbd.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.argumentSet;

import io.replicate.core.spi.Extent;
import io.replicate.core.spi.ReplicationException;
import io.replicate.nbd.client.ScriptedServer.Headers;
import io.replicate.nbd.client.ScriptedServer.Peer;
import io.replicate.nbd.client.ScriptedServer.Request;
import io.replicate.nbd.protocol.Nbd;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Servers that break the protocol: the client ends with an error that says so, at once; it never hangs, never allocates by
 * the peer's number and never takes less than it asked for.
 */
@Timeout(240)
class HostileServerTest {
    private static final int LENGTH = 8192;

    /** Answers a read of {@link #LENGTH} bytes at {@link #LENGTH}. */
    private interface Answer {
        void to(Peer peer, Request read) throws IOException;
    }

    private static Arguments chunked(String name, Answer answer) {
        return argumentSet(name, Headers.STRUCTURED, answer);
    }

    static Stream<Arguments> wrongAnswersToReads() {
        final long at = LENGTH;
        return Stream.of(
                chunked("no magic", (p, r) -> {
                    p.out.writeLong(0x1234567812345678L);
                    p.out.writeLong(0);
                    p.out.flush();
                }),
                chunked(
                        "another cookie",
                        (p, r) -> p.data(new Request(0, 0, r.cookie() + 1, at, LENGTH), true, at, LENGTH, 1)),
                chunked("a simple reply with data", (p, r) -> p.simple(r.cookie(), 0, new byte[LENGTH])),
                chunked("data before the request", (p, r) -> p.data(r, true, at - 1, LENGTH, 1)),
                chunked("data behind the request", (p, r) -> p.data(r, true, at + 1, LENGTH, 1)),
                chunked("data at a negative offset", (p, r) -> p.data(r, true, -1, LENGTH, 1)),
                chunked("too much data", (p, r) -> p.data(r, true, at, LENGTH + 1, 1)),
                chunked("a chunk of 4 GiB", (p, r) -> {
                    p.chunkHeader(r, true, Nbd.REPLY_OFFSET_DATA, 0xffffffffL);
                    p.out.writeLong(at);
                    p.out.flush();
                }),
                chunked("half of the data", (p, r) -> p.data(r, true, at, LENGTH / 2, 1)),
                chunked("the second half only", (p, r) -> p.data(r, true, at + LENGTH / 2, LENGTH / 2, 1)),
                chunked("the first half twice", (p, r) -> {
                    p.data(r, false, at, LENGTH / 2, 1);
                    p.data(r, true, at, LENGTH / 2, 1);
                }),
                chunked("the second half twice", (p, r) -> {
                    p.data(r, false, at + LENGTH / 2, LENGTH / 2, 1);
                    p.hole(r, true, at + LENGTH / 2, LENGTH / 2);
                }),
                chunked("halves that overlap, with a gap", (p, r) -> {
                    p.data(r, false, at + 4000, 2000, 1);
                    p.data(r, false, at, 4001, 1);
                    p.data(r, true, at + 6001, LENGTH - 6001, 1);
                }),
                chunked("success without anything", (p, r) -> p.chunk(r, true, Nbd.REPLY_NONE)),
                chunked("nothing, and more to come", (p, r) -> p.chunk(r, false, Nbd.REPLY_NONE)),
                chunked("nothing, with a payload", (p, r) -> p.chunk(r, true, Nbd.REPLY_NONE, (byte) 1)),
                chunked("data of no bytes", (p, r) -> p.data(r, false, at, 0, 1)),
                chunked("data without its offset", (p, r) -> p.chunk(r, true, Nbd.REPLY_OFFSET_DATA, new byte[7])),
                chunked("a hole of no bytes", (p, r) -> p.hole(r, false, at, 0)),
                chunked("a hole of 4 GiB", (p, r) -> p.hole(r, true, at, -1)),
                chunked(
                        "a hole with a longer payload",
                        (p, r) -> p.chunk(r, true, Nbd.REPLY_OFFSET_HOLE, new byte[13])),
                chunked("a block status", (p, r) -> p.status(r, true, ScriptedServer.CONTEXT, LENGTH, 0)),
                chunked("an unknown chunk", (p, r) -> p.chunk(r, true, 77, new byte[4])),
                chunked("an error without text length", (p, r) -> p.chunk(r, true, Nbd.REPLY_ERROR, new byte[5])),
                chunked(
                        "an error with a text beyond its end",
                        (p, r) -> p.chunk(r, true, Nbd.REPLY_ERROR, new byte[] {0, 0, 0, 5, 0, 9, 'x'})),
                chunked("an error of a mebibyte", (p, r) -> p.chunk(r, true, Nbd.REPLY_ERROR, new byte[1 << 20])),
                chunked("the end twice", (p, r) -> {
                    p.data(r, true, at, LENGTH, 1);
                    p.request();
                    p.data(r, true, at, LENGTH, 1);
                }),
                argumentSet("a compact chunk to an extended request", Headers.EXTENDED, (Answer) (p, r) -> {
                    p.out.writeInt(Nbd.STRUCTURED_REPLY_MAGIC);
                    p.out.writeShort(1);
                    p.out.writeShort(0);
                    p.out.writeLong(r.cookie());
                    p.out.writeInt(0);
                    p.out.write(new byte[12]);
                    p.out.flush();
                }),
                argumentSet("another offset than the request's", Headers.EXTENDED, (Answer)
                        (p, r) -> p.data(new Request(0, 0, r.cookie(), at + 1, LENGTH), true, at, LENGTH, 1)),
                argumentSet("a chunk of 2^63 bytes", Headers.EXTENDED, (Answer) (p, r) -> {
                    p.chunkHeader(r, true, Nbd.REPLY_OFFSET_DATA, Long.MIN_VALUE);
                    p.out.writeLong(at);
                    p.out.flush();
                }),
                argumentSet("a simple reply to an extended request", Headers.EXTENDED, (Answer)
                        (p, r) -> p.simple(r.cookie(), 0, new byte[LENGTH])),
                argumentSet("a chunk to a simple client", Headers.SIMPLE, (Answer)
                        (p, r) -> p.data(r, true, at, LENGTH, 1)),
                argumentSet("another cookie, simple", Headers.SIMPLE, (Answer)
                        (p, r) -> p.simple(r.cookie() ^ 1, 0, new byte[LENGTH])));
    }

    @ParameterizedTest
    @MethodSource("wrongAnswersToReads")
    void aWrongAnswerToAReadEndsItAtOnce(Headers headers, Answer answer) throws Exception {
        try (ScriptedServer server = new ScriptedServer(p -> {
                    p.enter(headers);
                    answer.to(p, p.request());
                    p.drain();
                });
                NbdVolume volume = server.open("")) {
            assertThatThrownBy(() -> {
                        volume.read(LENGTH, ByteBuffer.allocateDirect(LENGTH));
                        volume.read(LENGTH, ByteBuffer.allocateDirect(LENGTH)); // for what came after the first
                    })
                    .isInstanceOfSatisfying(
                            ReplicationException.class,
                            e -> assertThat(e.category()).isEqualTo(ReplicationException.Category.FAIL_JOB))
                    .hasMessageContaining("breaks the protocol");
            assertThat(server.connections).hasValue(1);
        }
    }

    static Stream<Arguments> wrongAnswersToStatus() {
        return Stream.of(
                chunked("no status", (p, r) -> p.chunk(r, true, Nbd.REPLY_NONE)),
                chunked("a simple success", (p, r) -> p.simple(r.cookie(), 0)),
                chunked("an extent of no bytes", (p, r) -> p.status(r, true, ScriptedServer.CONTEXT, 0, 0)),
                chunked("no extents", (p, r) -> p.status(r, true, ScriptedServer.CONTEXT)),
                chunked("half an extent", (p, r) -> p.status(r, true, ScriptedServer.CONTEXT, 4096)),
                chunked("another context", (p, r) -> p.status(r, true, ScriptedServer.CONTEXT + 1, 4096, 0)),
                chunked("the same context twice", (p, r) -> {
                    p.status(r, false, ScriptedServer.CONTEXT, 4096, 0);
                    p.status(r, true, ScriptedServer.CONTEXT, 4096, 3);
                }),
                chunked("data", (p, r) -> p.data(r, true, 0, 4096, 1)),
                chunked("a status of 4 GiB", (p, r) -> p.chunkHeader(r, true, Nbd.REPLY_BLOCK_STATUS, 0xfffffffcL)),
                argumentSet("a wrong count", Headers.EXTENDED, (Answer)
                        (p, r) -> p.statusExt(r, ScriptedServer.CONTEXT, 2, 4096, 0)),
                argumentSet("a negative length", Headers.EXTENDED, (Answer)
                        (p, r) -> p.statusExt(r, ScriptedServer.CONTEXT, 1, -4096, 0)),
                argumentSet("a compact status", Headers.EXTENDED, (Answer)
                        (p, r) -> p.status(r, true, ScriptedServer.CONTEXT, 4096, 0)));
    }

    @ParameterizedTest
    @MethodSource("wrongAnswersToStatus")
    void aWrongAnswerToABlockStatusEndsItAtOnce(Headers headers, Answer answer) throws Exception {
        try (ScriptedServer server = new ScriptedServer(p -> {
                    p.enter(headers);
                    answer.to(p, p.request());
                    p.drain();
                });
                NbdVolume volume = server.open("")) {
            assertThatThrownBy(() -> volume.extents(0, ScriptedServer.SIZE, 100))
                    .isInstanceOf(ReplicationException.class)
                    .hasMessageContaining("breaks the protocol");
        }
    }

    @Test
    void extentsThatAreUnalignedOrTooLongAreCutToWhatWasAsked() throws Exception {
        try (ScriptedServer server = new ScriptedServer(p -> {
                    p.enter(Headers.EXTENDED);
                    p.statusExt(p.request(), ScriptedServer.CONTEXT, 3, 3, 0, 5, 3, Long.MAX_VALUE, 2);
                    p.drain();
                });
                NbdVolume volume = server.open("")) {
            assertThat(volume.extents(1, 100, 100))
                    .containsExactly(Extent.data(1, 3), Extent.hole(4, 5), new Extent(9, 92, Extent.Kind.ZERO));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "6, there is no such export",
        "7, the server is stopping",
        "8, the server insists on its block sizes",
        "10, the server insists on extended headers",
        "999, error 999"
    })
    void aRefusalWithoutATextIsPutInWords(int error, String words) throws Exception {
        try (ScriptedServer server =
                new ScriptedServer(p -> go(p, (peer, r) -> peer.reply(Nbd.OPT_GO, Nbd.REP_ERROR_BIT + error)))) {
            assertThatThrownBy(() -> server.open("reconnect=0").close())
                    .hasMessageEndingWith("GO was refused: " + words);
        }
    }

    @Test
    void aSizeThatIsTooLargeIsNamed() throws Exception {
        try (ScriptedServer server = new ScriptedServer(p -> go(p, (peer, r) -> {
            peer.reply(Nbd.OPT_GO, Nbd.REP_INFO, Peer.info(-1, 1));
            peer.reply(Nbd.OPT_GO, Nbd.REP_ACK);
        }))) {
            assertThatThrownBy(() -> server.open("").close())
                    .hasMessageEndingWith("a size of 18446744073709551615 bytes is more than can be handled");
        }
    }

    private static Arguments handshake(String name, ScriptedServer.Script script) {
        return argumentSet(name, script);
    }

    private static void longReply(Peer p, int option, int length) throws IOException {
        p.out.writeLong(Nbd.OPTION_REPLY_MAGIC);
        p.out.writeInt(option);
        p.out.writeInt(Nbd.REP_ERR_UNSUP);
        p.out.writeInt(length);
        p.out.flush();
        p.drain();
    }

    private static void go(Peer p, Answer answer) throws IOException {
        p.greet();
        while (true) {
            final int option = p.option();
            if (option == Nbd.OPT_GO) {
                answer.to(p, new Request(0, 0, 0, 0, 0));
                p.drain();
                return;
            }
            p.reply(option, Nbd.REP_ERR_UNSUP);
        }
    }

    static Stream<Arguments> wrongHandshakes() {
        return Stream.of(
                handshake("another protocol", p -> {
                    p.out.writeBytes("SSH-2.0-OpenSSH_9.2p1\r\n");
                    p.out.flush();
                    p.drain();
                }),
                handshake("half a magic", p -> {
                    p.out.writeLong(Nbd.INIT_MAGIC);
                    p.out.writeLong(Nbd.INIT_MAGIC);
                    p.out.flush();
                    p.drain();
                }),
                handshake("an option reply of 4 GiB", p -> {
                    p.greet();
                    longReply(p, p.option(), -1);
                }),
                handshake("an option reply of 1 GiB", p -> {
                    p.greet();
                    longReply(p, p.option(), 1 << 30);
                }),
                handshake("a reply to another option", p -> {
                    p.greet();
                    p.reply(p.option() + 1, Nbd.REP_ACK);
                    p.drain();
                }),
                handshake("a reply without magic", p -> {
                    p.greet();
                    p.option();
                    p.out.write(new byte[20]);
                    p.out.flush();
                    p.drain();
                }),
                handshake("no size", p -> go(p, (peer, r) -> peer.reply(Nbd.OPT_GO, Nbd.REP_ACK))),
                handshake(
                        "a negative size",
                        p -> go(p, (peer, r) -> {
                            peer.reply(Nbd.OPT_GO, Nbd.REP_INFO, Peer.info(-1, 1));
                            peer.reply(Nbd.OPT_GO, Nbd.REP_ACK);
                        })),
                handshake(
                        "information of one byte",
                        p -> go(p, (peer, r) -> peer.reply(Nbd.OPT_GO, Nbd.REP_INFO, (byte) 0))),
                handshake("half a size", p -> go(p, (peer, r) -> peer.reply(Nbd.OPT_GO, Nbd.REP_INFO, new byte[8]))),
                handshake(
                        "blocks of 3 bytes",
                        p -> go(p, (peer, r) -> peer.reply(Nbd.OPT_GO, Nbd.REP_INFO, Peer.blockSize(3)))),
                handshake(
                        "blocks of no bytes",
                        p -> go(p, (peer, r) -> peer.reply(Nbd.OPT_GO, Nbd.REP_INFO, Peer.blockSize(0)))),
                handshake(
                        "information without end",
                        p -> go(p, (peer, r) -> {
                            while (true) {
                                peer.reply(Nbd.OPT_GO, Nbd.REP_INFO, Peer.info(4096, 1));
                            }
                        })),
                handshake("contexts without end", p -> {
                    p.greet();
                    p.reply(p.option(), Nbd.REP_ACK);
                    final int option = p.option();
                    final byte[] context = Peer.context(1, "x".repeat(4000));
                    while (true) {
                        p.reply(option, Nbd.REP_META_CONTEXT, context);
                    }
                }));
    }

    @ParameterizedTest
    @MethodSource("wrongHandshakes")
    void aWrongHandshakeIsAFailure(ScriptedServer.Script script) throws Exception {
        try (ScriptedServer server = new ScriptedServer(script)) {
            assertThatThrownBy(() -> server.open("").close())
                    .isInstanceOfSatisfying(
                            ReplicationException.class,
                            e -> assertThat(e.category()).isEqualTo(ReplicationException.Category.FAIL_JOB));
        }
    }

    private static byte[] export(String name) {
        final byte[] text = name.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(4 + text.length)
                .putInt(text.length)
                .put(text)
                .array();
    }

    @Test
    void aListWithoutEndIsAFailureAndALongOneIsNot() throws Exception {
        final int many = 30_000;
        try (ScriptedServer server = new ScriptedServer(
                p -> {
                    p.greet();
                    int option = p.option();
                    for (; option != Nbd.OPT_LIST; option = p.option()) {
                        p.reply(option, Nbd.REP_ERR_UNSUP);
                    }
                    for (int i = 0; i < many; i++) {
                        p.reply(option, Nbd.REP_SERVER, export("e" + i + "-".repeat(100)));
                    }
                    p.reply(option, Nbd.REP_ACK);
                    p.drain();
                },
                p -> {
                    p.greet();
                    int option = p.option();
                    for (; option != Nbd.OPT_LIST; option = p.option()) {
                        p.reply(option, Nbd.REP_ERR_UNSUP);
                    }
                    for (int i = 0; true; i++) {
                        p.reply(option, Nbd.REP_SERVER, export("e" + i + "-".repeat(1000)));
                    }
                })) {
            assertThat(NbdClient.list(server.address(""))).hasSize(many);
            assertThatThrownBy(() -> NbdClient.list(server.address(""))).hasMessageContaining("without end");
        }
    }

    @Test
    void aServerThatSaysNothingIsGivenUp() throws Exception {
        try (ScriptedServer server = new ScriptedServer(p -> {
                    p.enter(Headers.STRUCTURED);
                    p.drain();
                });
                NbdVolume volume = server.open("?timeout=3&reconnect=0")) {
            assertThatThrownBy(() -> volume.read(0, ByteBuffer.allocate(512)))
                    .isInstanceOfSatisfying(
                            ReplicationException.class,
                            e -> assertThat(e.category()).isEqualTo(ReplicationException.Category.RETRY))
                    .hasMessageContaining("no answer within 3 s");
        }
    }

    @Test
    void chunksMayComeInAnyOrderAndMixedWithThoseOfOtherRequests() throws Exception {
        try (ScriptedServer server = new ScriptedServer(p -> {
                    p.enter(Headers.STRUCTURED);
                    final Request a = p.request();
                    final Request b = p.request();
                    p.data(b, false, b.offset() + 4096, 4096, 4);
                    p.data(a, false, a.offset() + 6000, LENGTH - 6000, 2);
                    p.hole(a, false, a.offset() + 1, 3999);
                    p.data(b, false, b.offset(), 4096, 3);
                    p.chunk(b, true, Nbd.REPLY_NONE);
                    p.data(a, false, a.offset() + 4000, 2000, 1);
                    p.data(a, true, a.offset(), 1, 9);
                    p.drain();
                });
                NbdVolume volume = server.open("")) {
            final ByteBuffer first = ByteBuffer.allocateDirect(LENGTH);
            final ByteBuffer second = ByteBuffer.allocate(LENGTH);
            final Thread other = new Thread(() -> {
                try {
                    volume.read(LENGTH, second);
                } catch (final IOException e) {
                    throw new AssertionError(e);
                }
            });
            other.start();
            volume.read(LENGTH, first);
            other.join();

            final byte[] mixed = new byte[LENGTH];
            mixed[0] = 9;
            Arrays.fill(mixed, 4000, 6000, (byte) 1);
            Arrays.fill(mixed, 6000, LENGTH, (byte) 2);
            final byte[] halves = new byte[LENGTH];
            Arrays.fill(halves, 0, 4096, (byte) 3);
            Arrays.fill(halves, 4096, LENGTH, (byte) 4);
            assertThat(new ByteBuffer[] {first.flip(), second.flip()})
                    .containsExactlyInAnyOrder(ByteBuffer.wrap(mixed), ByteBuffer.wrap(halves));
        }
    }
}
