package io.replicate.nbd.server;

import static io.replicate.nbd.server.TestServer.SIZE;
import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.memory.MemoryVolume;
import io.replicate.nbd.protocol.Nbd;
import io.replicate.nbd.protocol.NbdError;
import io.replicate.nbd.server.RawClient.Chunk;
import io.replicate.nbd.server.RawClient.Reply;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients that do what the protocol allows, or a server has to put up with, and that none that we know does. */
class UnusualClientTest {

    private static TestServer twoExports() throws Exception {
        return new TestServer(b -> {
            try {
                return b.export(Export.of("other", new MemoryVolume("other", 1 << 20)));
            } catch (final java.io.IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
    }

    /** Asks, and returns the type of the last reply. */
    private static int last(RawClient client, int option, byte... data) throws Exception {
        client.option(option, data);
        Reply reply = client.reply();
        while (reply.type() == Nbd.REP_INFO || reply.type() == Nbd.REP_SERVER || reply.type() == Nbd.REP_META_CONTEXT) {
            reply = client.reply();
        }
        return reply.type();
    }

    /** Something that a client may ask before it opens an export, and the answer. */
    private record Question(int option, byte[] data, int answer) {}

    private static List<Question> questions() throws Exception {
        final int[] twenty = IntStream.range(0, 20).toArray();
        return new ArrayList<>(List.of(
                new Question(Nbd.OPT_LIST, new byte[0], Nbd.REP_ACK),
                new Question(Nbd.OPT_LIST, new byte[9], Nbd.REP_ERR_INVALID),
                new Question(Nbd.OPT_INFO, RawClient.info(""), Nbd.REP_ACK),
                new Question(Nbd.OPT_INFO, RawClient.info("disk", twenty), Nbd.REP_ACK),
                new Question(Nbd.OPT_INFO, RawClient.info("disk", 65535, 65535, 4), Nbd.REP_ACK),
                new Question(Nbd.OPT_INFO, RawClient.info("gone"), Nbd.REP_ERR_UNKNOWN),
                new Question(Nbd.OPT_GO, RawClient.info("gone", twenty), Nbd.REP_ERR_UNKNOWN),
                new Question(Nbd.OPT_STARTTLS, new byte[0], Nbd.REP_ERR_POLICY),
                new Question(4, new byte[5], Nbd.REP_ERR_UNSUP),
                new Question(0, new byte[0], Nbd.REP_ERR_UNSUP),
                new Question(-1, new byte[1], Nbd.REP_ERR_UNSUP),
                new Question(Nbd.OPT_SET_META_CONTEXT, new byte[3], Nbd.REP_ERR_INVALID),
                new Question(Nbd.OPT_STRUCTURED_REPLY, new byte[0], Nbd.REP_ACK),
                new Question(Nbd.OPT_STRUCTURED_REPLY, new byte[0], Nbd.REP_ACK)));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6})
    void optionsMayComeInAnyOrder(int seed) throws Exception {
        final List<Question> questions = questions();
        Collections.shuffle(questions, new Random(seed));
        try (TestServer test = new TestServer();
                RawClient c = test.client().greet()) {
            for (final Question question : questions) {
                assertThat(last(c, question.option, question.data))
                        .as("option %d of seed %d", question.option, seed)
                        .isEqualTo(question.answer);
            }
            final byte[] allocation = RawClient.contexts("disk", Nbd.BASE_ALLOCATION);
            assertThat(last(c, Nbd.OPT_SET_META_CONTEXT, allocation)).isEqualTo(Nbd.REP_ACK);
            assertThat(c.go("disk") & Nbd.FLAG_SEND_DF).isNotZero();

            c.request(0, Nbd.CMD_BLOCK_STATUS, 1, 0, SIZE);
            assertThat(c.chunk().type()).isEqualTo(Nbd.REPLY_BLOCK_STATUS);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 20, 2000})
    void goMayAskForAnyNumberOfThings(int count) throws Exception {
        try (TestServer test = new TestServer();
                RawClient c = test.client().greet()) {
            final int[] infos = IntStream.range(0, count).toArray();
            assertThat(last(c, Nbd.OPT_GO, RawClient.info("disk", infos))).isEqualTo(Nbd.REP_ACK);

            c.request(0, Nbd.CMD_READ, 3, 1000, 3); // no padding went before
            assertThat(c.simpleReply(3)).isZero();
            assertThat(c.in.readNBytes(3)).isEqualTo(TestServer.bytes(1000, 3));
        }
    }

    @Test
    void aClientMayLeaveOutZeroesWithoutFixedNewstyle() throws Exception {
        try (TestServer test = new TestServer();
                RawClient c = test.client().greet(Nbd.FLAG_NO_ZEROES)) {
            c.option(Nbd.OPT_EXPORT_NAME, "disk".getBytes());
            assertThat(c.in.readNBytes(10)).hasSize(10);
            c.request(0, Nbd.CMD_FLUSH, 2, 0, 0);
            assertThat(c.simpleReply(2)).isZero();
        }
    }

    @Test
    void contextsOfAnotherExportAreNotThoseOfThisOne() throws Exception {
        try (TestServer test = twoExports();
                RawClient c = test.client().structured("disk");
                RawClient wrong = test.client().greet();
                RawClient corrected = test.client().greet()) {
            c.request(0, Nbd.CMD_BLOCK_STATUS, 1, 0, 4096);
            assertThat(c.chunk().error()).isEqualTo(NbdError.EINVAL);

            final byte[] other = RawClient.contexts("other", Nbd.BASE_ALLOCATION);
            wrong.ask(Nbd.OPT_STRUCTURED_REPLY);
            assertThat(last(wrong, Nbd.OPT_SET_META_CONTEXT, other)).isEqualTo(Nbd.REP_ACK);
            wrong.go("disk");
            wrong.request(0, Nbd.CMD_BLOCK_STATUS, 1, 0, 4096);
            assertThat(wrong.chunk().error()).isEqualTo(NbdError.EINVAL);

            corrected.ask(Nbd.OPT_STRUCTURED_REPLY);
            assertThat(last(corrected, Nbd.OPT_SET_META_CONTEXT, other)).isEqualTo(Nbd.REP_ACK);
            assertThat(last(corrected, Nbd.OPT_SET_META_CONTEXT, RawClient.contexts("disk", Nbd.BASE_ALLOCATION)))
                    .isEqualTo(Nbd.REP_ACK);
            corrected.go("disk");
            corrected.request(0, Nbd.CMD_BLOCK_STATUS, 1, 0, 4096);
            assertThat(corrected.chunk().type()).isEqualTo(Nbd.REPLY_BLOCK_STATUS);
        }
    }

    @Test
    void queriesThatMatchNothingAreNoErrors() throws Exception {
        try (TestServer test = new TestServer();
                RawClient c = test.client().greet()) {
            c.ask(Nbd.OPT_STRUCTURED_REPLY);
            for (final String query : List.of("", "base", "base:nope", "qemu:", "qemu:dirty-bitmap:", "x-a:b", ":")) {
                for (final int option : List.of(Nbd.OPT_LIST_META_CONTEXT, Nbd.OPT_SET_META_CONTEXT)) {
                    assertThat(c.ask(option, RawClient.contexts("", query)).type())
                            .as("option %d, query '%s'", option, query)
                            .isEqualTo(Nbd.REP_ACK);
                }
            }
            assertThat(c.ask(Nbd.OPT_SET_META_CONTEXT, RawClient.contexts("", "base:"))
                            .type())
                    .isEqualTo(Nbd.REP_ACK);
            final Reply listed = c.ask(Nbd.OPT_LIST_META_CONTEXT, RawClient.contexts("", "base:"));
            assertThat(listed.data()).isEqualTo("\0\0\0\0base:allocation".getBytes());
        }
    }

    @Test
    void requestsOfNothingAndAtTheEndAreAnswered() throws Exception {
        try (TestServer test = new TestServer();
                RawClient c = test.client().simple("")) {
            for (final int type : List.of(
                    Nbd.CMD_READ, Nbd.CMD_WRITE, Nbd.CMD_TRIM, Nbd.CMD_CACHE, Nbd.CMD_WRITE_ZEROES, Nbd.CMD_FLUSH)) {
                final boolean flush = type == Nbd.CMD_FLUSH;
                final boolean space = type == Nbd.CMD_WRITE || type == Nbd.CMD_WRITE_ZEROES;
                assertThat(error(c, type, 0, 0)).as("type %d", type).isZero();
                assertThat(error(c, type, SIZE, 0))
                        .as("type %d at the end", type)
                        .isEqualTo(flush ? NbdError.EINVAL : NbdError.OK);
                assertThat(error(c, type, SIZE + 1L, 0))
                        .as("type %d beyond the end", type)
                        .isEqualTo(space ? NbdError.ENOSPC : NbdError.EINVAL);
            }
            assertThat(error(c, Nbd.CMD_WRITE, SIZE - 1, 1, (byte) 77)).isZero();
            assertThat(error(c, Nbd.CMD_WRITE, SIZE - 1, 2, (byte) 1, (byte) 2)).isEqualTo(NbdError.ENOSPC);
            c.request(0, Nbd.CMD_READ, -1, SIZE - 2, 2);
            assertThat(c.simpleReply(-1)).isZero();
            assertThat(c.in.readNBytes(2)).isEqualTo(new byte[] {0, 77});
        }
    }

    private static int error(RawClient c, int type, long offset, long length, byte... payload) throws Exception {
        c.request(Nbd.CMD_FLAG_FUA, type, 0, offset, length, payload); // which is valid for all commands
        return c.simpleReply(0);
    }

    @Test
    void payloadsBeyondTheMaximumAreSkippedInStructuredModeToo() throws Exception {
        final int tooLong = (64 << 20) + 1;
        try (TestServer test = new TestServer(b -> {
                    try {
                        return b.export(Export.of("big", new MemoryVolume("big", 1L << 30)));
                    } catch (final java.io.IOException e) {
                        throw new java.io.UncheckedIOException(e);
                    }
                });
                RawClient c = test.client().structured("big")) {
            c.request(0, Nbd.CMD_WRITE, 1, 0, tooLong, new byte[tooLong]);
            assertThat(c.chunk().error()).isEqualTo(NbdError.EINVAL);
            c.request(0, Nbd.CMD_READ, 2, 0, tooLong);
            assertThat(c.chunk().error()).isEqualTo(NbdError.EOVERFLOW);
            c.request(0, Nbd.CMD_WRITE_ZEROES, 3, 0, 1L << 30); // without a payload, so as long as one likes
            assertThat(c.simpleReply(3)).isZero();
        }
    }

    @Test
    void requestsMayShareACookie() throws Exception {
        try (TestServer test = new TestServer();
                RawClient c = test.client().structured("")) {
            for (int i = 0; i < 50; i++) {
                c.request(0, Nbd.CMD_READ, 5, 4096L * i, 4096);
            }
            final boolean[] seen = new boolean[50];
            for (int i = 0; i < 50; i++) {
                final Chunk chunk = c.chunk();
                assertThat(chunk.cookie()).isEqualTo(5);
                final int place = (int) (chunk.data().getLong() / 4096);
                assertThat(Arrays.copyOfRange(chunk.payload(), 8, 4104))
                        .isEqualTo(TestServer.bytes(4096L * place, 4096));
                assertThat(seen[place]).isFalse();
                seen[place] = true;
            }
        }
    }

    @Test
    void goodbyeMayHaveAnyFlagAndPlaceAndIsNotAnswered() throws Exception {
        try (TestServer test = new TestServer();
                RawClient c = test.client().simple("")) {
            c.request(0, Nbd.CMD_WRITE, 1, 0, 2, (byte) 8, (byte) 9);
            c.request(0xffff, Nbd.CMD_DISC, 2, -1, 0xffffffffL);
            assertThat(c.simpleReply(1)).isZero();
            assertThat(c.atEnd()).isTrue();
            assertThat(test.stored(0, 2)).isEqualTo(new byte[] {8, 9});
        }
    }
}
