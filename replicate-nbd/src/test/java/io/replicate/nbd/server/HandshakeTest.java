package io.replicate.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.replicate.core.memory.MemoryVolume;
import io.replicate.nbd.protocol.Nbd;
import io.replicate.nbd.protocol.NbdError;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class HandshakeTest {
    private static final byte[] LONG_NAME = new byte[5000];

    @Test
    void exportNameIsAnsweredWithSizeFlagsAndZeroes() throws Exception {
        try (TestServer test = new TestServer();
                RawClient client = test.client().greet(Nbd.FLAG_FIXED_NEWSTYLE)) {
            client.option(Nbd.OPT_EXPORT_NAME, TestServer.NAME.getBytes());

            assertThat(client.in.readLong()).isEqualTo(TestServer.SIZE);
            assertThat(client.in.readUnsignedShort()).isEqualTo(0b1101_0110_1101);
            assertThat(client.in.readNBytes(124)).isEqualTo(new byte[124]);
            client.request(0, Nbd.CMD_READ, 7, 100, 4);
            assertThat(client.simpleReply(7)).isZero();
            assertThat(client.in.readNBytes(4)).isEqualTo(TestServer.bytes(100, 4));
        }
    }

    @Test
    void aClientWithoutFixedNewstyleGetsTheDefaultExport() throws Exception {
        try (TestServer test = new TestServer();
                RawClient client = test.client().greet(0)) {
            client.option(Nbd.OPT_EXPORT_NAME, new byte[0]);

            assertThat(client.in.readLong()).isEqualTo(TestServer.SIZE);
            client.in.readShort();
            assertThat(client.in.readNBytes(124)).isEqualTo(new byte[124]);
        }
    }

    @Test
    void zeroesAreLeftOutWhenBothSidesSaySo() throws Exception {
        try (TestServer test = new TestServer();
                RawClient client = test.client().greet(3)) {
            client.option(Nbd.OPT_EXPORT_NAME, new byte[0]);
            client.request(0, Nbd.CMD_FLUSH, 1, 0, 0);

            client.in.readNBytes(10);
            assertThat(client.simpleReply(1)).isZero();
        }
    }

    @Test
    void whatTheProtocolForbidsEndsTheConnection() throws Exception {
        try (TestServer test = new TestServer()) {
            try (RawClient unknownFlags = test.client().greet(4)) {
                assertThat(unknownFlags.atEnd()).isTrue();
            }
            try (RawClient unknownExport = test.client().greet()) {
                unknownExport.option(Nbd.OPT_EXPORT_NAME, "nope".getBytes());
                assertThat(unknownExport.atEnd()).isTrue();
            }
            try (RawClient longName = test.client().greet()) {
                longName.option(Nbd.OPT_EXPORT_NAME, LONG_NAME);
                assertThat(longName.atEnd()).isTrue();
            }
            try (RawClient notFixed = test.client().greet(0)) {
                notFixed.option(Nbd.OPT_LIST, new byte[0]);
                assertThat(notFixed.atEnd()).isTrue();
            }
            try (RawClient wrongMagic = test.client().greet()) {
                wrongMagic.out.writeLong(1);
                wrongMagic.out.writeLong(1);
                wrongMagic.out.flush();
                assertThat(wrongMagic.atEnd()).isTrue();
            }
            try (RawClient afterExtended = test.client().greet()) {
                afterExtended.ask(Nbd.OPT_EXTENDED_HEADERS);
                afterExtended.option(Nbd.OPT_EXPORT_NAME, new byte[0]);
                assertThat(afterExtended.atEnd()).isTrue();
            }
        }
    }

    @Test
    void abortIsAcknowledgedWhateverComesWithIt() throws Exception {
        try (TestServer test = new TestServer();
                RawClient client = test.client().greet()) {
            assertThat(client.ask(Nbd.OPT_ABORT, (byte) 1).type()).isEqualTo(Nbd.REP_ACK);
            assertThat(client.atEnd()).isTrue();
        }
    }

    @Test
    void listNamesExportsWithTheirDescriptions() throws Exception {
        try (TestServer test = new TestServer(b -> {
                    try {
                        return b.export(Export.of("zwei", new MemoryVolume("2", 4096)));
                    } catch (final Exception e) {
                        throw new IllegalStateException(e);
                    }
                });
                RawClient client = test.client().greet()) {
            final RawClient.Reply first = client.ask(Nbd.OPT_LIST);
            final RawClient.Reply second = client.reply();

            assertThat(first.data()).isEqualTo("\0\0\0\4diska test".getBytes());
            assertThat(second.data()).isEqualTo("\0\0\0\4zwei".getBytes());
            assertThat(client.reply().type()).isEqualTo(Nbd.REP_ACK);
            assertThat(client.ask(Nbd.OPT_LIST, (byte) 0).type()).isEqualTo(Nbd.REP_ERR_INVALID);
        }
    }

    @Test
    void aServerMayKeepItsListToItself() throws Exception {
        try (TestServer test = new TestServer(NbdServer.Builder::hideExports);
                RawClient client = test.client().greet()) {
            assertThat(client.ask(Nbd.OPT_LIST).type()).isEqualTo(Nbd.REP_ERR_POLICY);
            assertThat(client.go(TestServer.NAME)).isPositive();
        }
    }

    @Test
    void infoTellsFourThingsAndGoTellsTheSame() throws Exception {
        try (TestServer test = new TestServer();
                RawClient client = test.client().greet()) {
            final byte[] question = RawClient.info("", Nbd.INFO_NAME, Nbd.INFO_DESCRIPTION, Nbd.INFO_BLOCK_SIZE, 77);

            final List<byte[]> info = infos(client, Nbd.OPT_INFO, question);
            final List<byte[]> go = infos(client, Nbd.OPT_GO, question);

            assertThat(info).hasSize(4);
            assertThat(go).usingRecursiveComparison().isEqualTo(info);
            assertThat(info).anySatisfy(i -> assertThat(i).isEqualTo("\0\1disk".getBytes()));
            assertThat(info).anySatisfy(i -> assertThat(i).isEqualTo("\0\2a test".getBytes()));
            assertThat(info)
                    .anySatisfy(i -> assertThat(i)
                            .isEqualTo(ByteBuffer.allocate(14)
                                    .putShort((short) 3)
                                    .putInt(1)
                                    .putInt(4096)
                                    .putInt(64 << 20)
                                    .array()));
        }
    }

    private static List<byte[]> infos(RawClient client, int option, byte[] question) throws Exception {
        client.option(option, question);
        final List<byte[]> infos = new ArrayList<>();
        for (RawClient.Reply r = client.reply(); r.type() != Nbd.REP_ACK; r = client.reply()) {
            assertThat(r.type()).isEqualTo(Nbd.REP_INFO);
            infos.add(r.data());
        }
        return infos;
    }

    @Test
    void optionsThatFailLeaveTheHagglingAlive() throws Exception {
        try (TestServer test = new TestServer();
                RawClient client = test.client().greet()) {
            assertThat(client.ask(Nbd.OPT_INFO, RawClient.info("nope")).type()).isEqualTo(Nbd.REP_ERR_UNKNOWN);
            assertThat(client.ask(Nbd.OPT_GO, RawClient.info("nope")).type()).isEqualTo(Nbd.REP_ERR_UNKNOWN);
            assertThat(client.ask(Nbd.OPT_GO, new byte[3]).type()).isEqualTo(Nbd.REP_ERR_INVALID);
            assertThat(client.ask(Nbd.OPT_GO, new byte[] {-1, -1, -1, -1, 0, 0}).type())
                    .isEqualTo(Nbd.REP_ERR_INVALID);
            assertThat(client.ask(Nbd.OPT_INFO, new byte[] {0, 0, 0, 1, -1, 0, 0})
                            .type())
                    .isEqualTo(Nbd.REP_ERR_INVALID);
            assertThat(client.ask(4).type()).isEqualTo(Nbd.REP_ERR_UNSUP);
            assertThat(client.ask(0x7fffffff, new byte[70000]).type()).isEqualTo(Nbd.REP_ERR_UNSUP);
            assertThat(client.ask(Nbd.OPT_GO, new byte[70000]).type()).isEqualTo(Nbd.REP_ERR_TOO_BIG);
            assertThat(client.ask(Nbd.OPT_STARTTLS).type()).isEqualTo(Nbd.REP_ERR_POLICY);
            assertThat(client.ask(Nbd.OPT_STRUCTURED_REPLY, (byte) 1).type()).isEqualTo(Nbd.REP_ERR_INVALID);
            assertThat(client.ask(Nbd.OPT_EXTENDED_HEADERS, (byte) 1).type()).isEqualTo(Nbd.REP_ERR_INVALID);
            assertThat(client.go(TestServer.NAME) & Nbd.FLAG_SEND_DF).isZero();
        }
    }

    @Test
    void metadataContextsNeedStructuredReplies() throws Exception {
        try (TestServer test = new TestServer();
                RawClient client = test.client().greet()) {
            final byte[] question = RawClient.contexts("", Nbd.BASE_ALLOCATION);

            assertThat(client.ask(Nbd.OPT_SET_META_CONTEXT, question).type()).isEqualTo(Nbd.REP_ERR_INVALID);
            assertThat(client.ask(Nbd.OPT_STRUCTURED_REPLY).type()).isEqualTo(Nbd.REP_ACK);
            assertThat(client.ask(Nbd.OPT_SET_META_CONTEXT, question).type()).isEqualTo(Nbd.REP_META_CONTEXT);
            assertThat(client.reply().type()).isEqualTo(Nbd.REP_ACK);
        }
    }

    @Test
    void wildcardsListContextsAndSelectNone() throws Exception {
        try (TestServer test = new TestServer()) {
            test.server.exports().get(0).volume().add("b", 65536);
            try (RawClient client = test.client().greet()) {
                client.ask(Nbd.OPT_STRUCTURED_REPLY);

                assertThat(names(client, Nbd.OPT_LIST_META_CONTEXT))
                        .containsExactly("base:allocation", "qemu:dirty-bitmap:b");
                assertThat(names(client, Nbd.OPT_LIST_META_CONTEXT, "qemu:")).containsExactly("qemu:dirty-bitmap:b");
                assertThat(names(client, Nbd.OPT_LIST_META_CONTEXT, "base:", "x-other:"))
                        .containsExactly("base:allocation");
                assertThat(names(client, Nbd.OPT_SET_META_CONTEXT, "base:", "qemu:"))
                        .isEmpty();
                assertThat(names(client, Nbd.OPT_SET_META_CONTEXT, "qemu:dirty-bitmap:b", "qemu:dirty-bitmap:b"))
                        .containsExactly("qemu:dirty-bitmap:b");
                assertThat(names(client, Nbd.OPT_SET_META_CONTEXT)).isEmpty();
            }
        }
    }

    private static List<String> names(RawClient client, int option, String... queries) throws Exception {
        client.option(option, RawClient.contexts("", queries));
        final List<String> names = new ArrayList<>();
        for (RawClient.Reply r = client.reply(); r.type() != Nbd.REP_ACK; r = client.reply()) {
            assertThat(r.type()).isEqualTo(Nbd.REP_META_CONTEXT);
            names.add(r.text().substring(4));
        }
        return names;
    }

    @Test
    void aFailedSelectionForgetsTheOneBefore() throws Exception {
        try (TestServer test = new TestServer();
                RawClient client = test.client().greet()) {
            client.ask(Nbd.OPT_STRUCTURED_REPLY);
            names(client, Nbd.OPT_SET_META_CONTEXT, Nbd.BASE_ALLOCATION);
            assertThat(client.ask(Nbd.OPT_SET_META_CONTEXT, RawClient.contexts("nope"))
                            .type())
                    .isEqualTo(Nbd.REP_ERR_UNKNOWN);
            client.go("");

            client.request(0, Nbd.CMD_BLOCK_STATUS, 1, 0, 4096);

            assertThat(client.chunk().error()).isEqualTo(22);
        }
    }

    @Test
    void structuredRepliesAreRefusedBehindExtendedHeaders() throws Exception {
        try (TestServer test = new TestServer();
                RawClient client = test.client().greet()) {
            assertThat(client.ask(Nbd.OPT_EXTENDED_HEADERS).type()).isEqualTo(Nbd.REP_ACK);
            assertThat(client.ask(Nbd.OPT_STRUCTURED_REPLY).type()).isEqualTo(Nbd.REP_ERR_EXT_HEADER_REQD);
            assertThat(client.go("") & Nbd.FLAG_SEND_DF).isNotZero();
        }
    }

    @Test
    void optionsMayArriveByteByByte() throws Exception {
        try (TestServer test = new TestServer();
                RawClient client = test.client().greet()) {
            final ByteBuffer option = ByteBuffer.allocate(16)
                    .putLong(Nbd.OPTION_MAGIC)
                    .putInt(Nbd.OPT_STRUCTURED_REPLY)
                    .putInt(0);
            for (final byte b : option.array()) {
                client.out.write(b);
                client.out.flush();
            }
            assertThat(client.reply().type()).isEqualTo(Nbd.REP_ACK);
        }
    }

    @Test
    void aClientThatDawdlesIsSentAway() throws Exception {
        try (TestServer test =
                        new TestServer(b -> b.limits(ServerLimits.defaults().handshake(Duration.ofSeconds(2))));
                RawClient client = test.client().greet()) {
            assertThat(client.atEnd()).isTrue();
        }
    }

    @Test
    void oneClientTooManyIsClosedAtOnce() throws Exception {
        try (TestServer test =
                        new TestServer(b -> b.limits(ServerLimits.defaults().clients(1)));
                RawClient first = test.client().greet();
                RawClient second = test.client()) {
            assertThat(second.atEnd()).isTrue();
            assertThat(first.go("")).isPositive();
        }
    }

    @Test
    void whoIsNotOnTheListIsClosedAtOnce() throws Exception {
        final AccessList list = AccessList.of(List.of("192.0.2.0/24"), false);
        try (TestServer test = new TestServer(b -> b.access(list));
                RawClient client = test.client()) {
            assertThat(client.atEnd()).isTrue();
        }
    }

    @Test
    void aSelectionThatIsTooLongReplacesTheOneBefore() throws Exception {
        try (TestServer test = new TestServer();
                RawClient client = test.client().greet()) {
            client.ask(Nbd.OPT_STRUCTURED_REPLY);
            client.ask(Nbd.OPT_SET_META_CONTEXT, RawClient.contexts("", Nbd.BASE_ALLOCATION));
            assertThat(client.reply().type()).isEqualTo(Nbd.REP_ACK);
            assertThat(client.ask(Nbd.OPT_SET_META_CONTEXT, new byte[70_000]).type())
                    .isEqualTo(Nbd.REP_ERR_TOO_BIG);
            client.go("");
            client.request(0, Nbd.CMD_BLOCK_STATUS, 1, 0, 4096);

            assertThat(client.chunk().error()).isEqualTo(NbdError.EINVAL);
        }
    }
}
