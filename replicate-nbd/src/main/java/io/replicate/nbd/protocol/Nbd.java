package io.replicate.nbd.protocol;

/**
 * The numbers of the NBD protocol, under the names of its document (doc/proto.md of the NetworkBlockDevice project),
 * without their {@code NBD_} prefix. All integers on the wire are big endian.
 */
public final class Nbd {
    /** The port that IANA reserved for newstyle NBD. */
    public static final int DEFAULT_PORT = 10809;

    /** {@code NBDMAGIC}: the first eight bytes from every server. */
    public static final long INIT_MAGIC = 0x4e42444d41474943L;
    /** {@code IHAVEOPT}: the second eight bytes of a newstyle server, and the first of each option. */
    public static final long OPTION_MAGIC = 0x49484156454f5054L;
    /** The second eight bytes of an oldstyle server. */
    public static final long OLDSTYLE_MAGIC = 0x0000420281861253L;

    public static final long OPTION_REPLY_MAGIC = 0x0003e889045565a9L;
    public static final int REQUEST_MAGIC = 0x25609513;
    public static final int EXTENDED_REQUEST_MAGIC = 0x21e41c71;
    public static final int SIMPLE_REPLY_MAGIC = 0x67446698;
    public static final int STRUCTURED_REPLY_MAGIC = 0x668e33ef;
    public static final int EXTENDED_REPLY_MAGIC = 0x6e8a278c;

    /** Length of an option header in bytes: magic, option, data length. */
    public static final int OPTION_HEADER = 16;
    /** Length of an option reply header in bytes: magic, option, type, data length. */
    public static final int OPTION_REPLY_HEADER = 20;

    public static final int REQUEST_HEADER = 28;
    public static final int EXTENDED_REQUEST_HEADER = 32;
    public static final int SIMPLE_REPLY_HEADER = 16;
    public static final int STRUCTURED_REPLY_HEADER = 20;
    public static final int EXTENDED_REPLY_HEADER = 32;

    /** Zero bytes after the export's size and flags, unless both sides agreed to leave them out. */
    public static final int RESERVED_ZEROES = 124;
    /** The longest string in bytes. */
    public static final int MAX_STRING = 4096;
    /** The payload that every server should take when nothing was agreed, in bytes. */
    public static final int DEFAULT_MAX_PAYLOAD = 32 << 20;
    /** The most descriptors in a block status chunk. */
    public static final int MAX_DESCRIPTORS = 1 << 20;

    // handshake flags (server) and client flags
    public static final int FLAG_FIXED_NEWSTYLE = 1;
    public static final int FLAG_NO_ZEROES = 1 << 1;

    // transmission flags
    public static final int FLAG_HAS_FLAGS = 1;
    public static final int FLAG_READ_ONLY = 1 << 1;
    public static final int FLAG_SEND_FLUSH = 1 << 2;
    public static final int FLAG_SEND_FUA = 1 << 3;
    public static final int FLAG_ROTATIONAL = 1 << 4;
    public static final int FLAG_SEND_TRIM = 1 << 5;
    public static final int FLAG_SEND_WRITE_ZEROES = 1 << 6;
    public static final int FLAG_SEND_DF = 1 << 7;
    public static final int FLAG_CAN_MULTI_CONN = 1 << 8;
    public static final int FLAG_SEND_RESIZE = 1 << 9;
    public static final int FLAG_SEND_CACHE = 1 << 10;
    public static final int FLAG_SEND_FAST_ZERO = 1 << 11;
    public static final int FLAG_BLOCK_STATUS_PAYLOAD = 1 << 12;

    // options
    public static final int OPT_EXPORT_NAME = 1;
    public static final int OPT_ABORT = 2;
    public static final int OPT_LIST = 3;
    public static final int OPT_STARTTLS = 5;
    public static final int OPT_INFO = 6;
    public static final int OPT_GO = 7;
    public static final int OPT_STRUCTURED_REPLY = 8;
    public static final int OPT_LIST_META_CONTEXT = 9;
    public static final int OPT_SET_META_CONTEXT = 10;
    public static final int OPT_EXTENDED_HEADERS = 11;

    // option replies
    public static final int REP_ACK = 1;
    public static final int REP_SERVER = 2;
    public static final int REP_INFO = 3;
    public static final int REP_META_CONTEXT = 4;
    /** Set in every reply type that says that the option failed. */
    public static final int REP_ERROR_BIT = 0x80000000;

    public static final int REP_ERR_UNSUP = REP_ERROR_BIT + 1;
    public static final int REP_ERR_POLICY = REP_ERROR_BIT + 2;
    public static final int REP_ERR_INVALID = REP_ERROR_BIT + 3;
    public static final int REP_ERR_PLATFORM = REP_ERROR_BIT + 4;
    public static final int REP_ERR_TLS_REQD = REP_ERROR_BIT + 5;
    public static final int REP_ERR_UNKNOWN = REP_ERROR_BIT + 6;
    public static final int REP_ERR_SHUTDOWN = REP_ERROR_BIT + 7;
    public static final int REP_ERR_BLOCK_SIZE_REQD = REP_ERROR_BIT + 8;
    public static final int REP_ERR_TOO_BIG = REP_ERROR_BIT + 9;
    public static final int REP_ERR_EXT_HEADER_REQD = REP_ERROR_BIT + 10;

    // information types
    public static final int INFO_EXPORT = 0;
    public static final int INFO_NAME = 1;
    public static final int INFO_DESCRIPTION = 2;
    public static final int INFO_BLOCK_SIZE = 3;

    // commands
    public static final int CMD_READ = 0;
    public static final int CMD_WRITE = 1;
    public static final int CMD_DISC = 2;
    public static final int CMD_FLUSH = 3;
    public static final int CMD_TRIM = 4;
    public static final int CMD_CACHE = 5;
    public static final int CMD_WRITE_ZEROES = 6;
    public static final int CMD_BLOCK_STATUS = 7;

    // command flags
    public static final int CMD_FLAG_FUA = 1;
    public static final int CMD_FLAG_NO_HOLE = 1 << 1;
    public static final int CMD_FLAG_DF = 1 << 2;
    public static final int CMD_FLAG_REQ_ONE = 1 << 3;
    public static final int CMD_FLAG_FAST_ZERO = 1 << 4;
    public static final int CMD_FLAG_PAYLOAD_LEN = 1 << 5;

    // structured replies
    public static final int REPLY_FLAG_DONE = 1;
    public static final int REPLY_NONE = 0;
    public static final int REPLY_OFFSET_DATA = 1;
    public static final int REPLY_OFFSET_HOLE = 2;
    public static final int REPLY_BLOCK_STATUS = 5;
    public static final int REPLY_BLOCK_STATUS_EXT = 6;
    /** Set in every chunk type that carries an error. */
    public static final int REPLY_ERROR_BIT = 1 << 15;

    public static final int REPLY_ERROR = REPLY_ERROR_BIT + 1;
    public static final int REPLY_ERROR_OFFSET = REPLY_ERROR_BIT + 2;

    // metadata contexts
    public static final String BASE_ALLOCATION = "base:allocation";
    /** Followed by the name of a bitmap. */
    public static final String DIRTY_BITMAP = "qemu:dirty-bitmap:";
    /** {@code base:allocation}: not allocated. */
    public static final int STATE_HOLE = 1;
    /** {@code base:allocation}: reads as zero. */
    public static final int STATE_ZERO = 1 << 1;
    /** {@code qemu:dirty-bitmap}: changed since the bitmap was made or cleared. */
    public static final int STATE_DIRTY = 1;

    private Nbd() {}

    /** Returns the name of a command, for logs and messages. */
    public static String commandName(int type) {
        return switch (type) {
            case CMD_READ -> "READ";
            case CMD_WRITE -> "WRITE";
            case CMD_DISC -> "DISC";
            case CMD_FLUSH -> "FLUSH";
            case CMD_TRIM -> "TRIM";
            case CMD_CACHE -> "CACHE";
            case CMD_WRITE_ZEROES -> "WRITE_ZEROES";
            case CMD_BLOCK_STATUS -> "BLOCK_STATUS";
            default -> "command " + type;
        };
    }

    /** Returns the name of an option, for logs and messages. */
    public static String optionName(int option) {
        return switch (option) {
            case OPT_EXPORT_NAME -> "EXPORT_NAME";
            case OPT_ABORT -> "ABORT";
            case OPT_LIST -> "LIST";
            case OPT_STARTTLS -> "STARTTLS";
            case OPT_INFO -> "INFO";
            case OPT_GO -> "GO";
            case OPT_STRUCTURED_REPLY -> "STRUCTURED_REPLY";
            case OPT_LIST_META_CONTEXT -> "LIST_META_CONTEXT";
            case OPT_SET_META_CONTEXT -> "SET_META_CONTEXT";
            case OPT_EXTENDED_HEADERS -> "EXTENDED_HEADERS";
            default -> "option " + Integer.toUnsignedString(option);
        };
    }

    /** Returns what an error reply to an option means, for those that come without a text. */
    public static String refusal(int type) {
        return switch (type) {
            case REP_ERR_UNSUP -> "the server does not know this option";
            case REP_ERR_POLICY -> "the server's settings forbid it";
            case REP_ERR_INVALID -> "the server calls it invalid";
            case REP_ERR_PLATFORM -> "the server's platform has not what it takes";
            case REP_ERR_TLS_REQD -> "the server insists on TLS";
            case REP_ERR_UNKNOWN -> "there is no such export";
            case REP_ERR_SHUTDOWN -> "the server is stopping";
            case REP_ERR_BLOCK_SIZE_REQD -> "the server insists on its block sizes";
            case REP_ERR_TOO_BIG -> "it is too big for the server";
            case REP_ERR_EXT_HEADER_REQD -> "the server insists on extended headers";
            default -> "error " + (type & ~REP_ERROR_BIT);
        };
    }
}
