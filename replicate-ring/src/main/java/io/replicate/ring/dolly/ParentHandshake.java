package io.replicate.ring.dolly;

import io.replicate.core.spi.ReplicationException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The child's side of steps 1 to 6: hears the dialect, proves the password, and reads the configuration. */
final class ParentHandshake {
    /** The server asked an idle client to end ({@code -K}). */
    static final class Killed extends ReplicationException {
        private static final long serialVersionUID = 1L;

        Killed(final String peer) {
            super(Category.CANCELLED, "ended on request of " + peer + " (-K)");
        }
    }

    private static final Duration STEP = Duration.ofSeconds(10);
    private static final Duration QUIET = Duration.ofMillis(500);
    private static final int MAX_CONFIG_BYTES = 60 << 10;
    private static final int READ_UNIT = 1448;
    private static final int END_MARK_BYTES = 8;
    private static final byte[] END = "\nendconfig".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] OK = {'O', 'K', 0};

    private final ControlLink control;
    private final @Nullable Password password;
    private final boolean killable;

    ParentHandshake(final ControlLink control, final @Nullable Password password, final boolean killable) {
        this.control = control;
        this.password = password;
        this.killable = killable;
    }

    /** Returns what the parent said, or null when it left without a word. */
    @Nullable
    Admission run() throws IOException {
        while (control.available() == 0) {
            if (!control.fill(ControlLink.FOR_EVER)) {
                return null;
            }
        }
        final int first = control.peek(0);
        return switch (first) {
            case 0, 1 -> modern();
            case 'i', 'c', 'd' -> classic();
            default ->
                throw ReplicationException.corrupt(
                        "begins with byte " + (first & 0xFF) + ", which is neither dialect of dolly");
        };
    }

    private Admission classic() throws IOException {
        if (password != null) {
            throw ReplicationException.fail("speaks the classic dialect, which knows no password", null);
        }
        return new Admission(control, Dialect.CLASSIC, false, new ConfigText(config()));
    }

    private Admission modern() throws IOException {
        final boolean protectedByPassword = control.take(1)[0] == 1;
        if (protectedByPassword != (password != null)) {
            throw ReplicationException.fail(
                    protectedByPassword
                            ? "asks for a password, and this node has none (-P)"
                            : "has no password, and this node asks for one (-P)",
                    null);
        }
        if (password != null) {
            final byte[] nonce = control.exactly(Password.NONCE_BYTES, STEP, "32 bytes of challenge");
            control.write(password.proof(nonce));
            final byte[] verdict = control.exactly(OK.length, STEP, "a verdict on our password");
            if (!Arrays.equals(verdict, OK)) {
                throw ReplicationException.fail("refused our password", null);
            }
        }
        final byte[] mode = control.takeOrEnd(Integer.BYTES, STEP);
        if (mode == null) {
            if (password != null || killable) {
                throw new Killed(control.peer());
            }
            throw ReplicationException.fail("asked this node to end (-K), which needs a password here", null);
        }
        final int directory =
                ByteBuffer.wrap(mode).order(ByteOrder.LITTLE_ENDIAN).getInt();
        if (directory != 0 && directory != 1) {
            throw ReplicationException.corrupt("directory flag is " + directory);
        }
        return new Admission(control, Dialect.MODERN, directory == 1, new ConfigText(config()));
    }

    /** What has come of a configuration. */
    private static final class Text extends ByteArrayOutputStream {
        private static final int TAIL_BYTES = 32;

        byte[] lastBytes() {
            return Arrays.copyOfRange(buf, Math.max(0, count - TAIL_BYTES), count);
        }
    }

    /** Reads up to the line endconfig, and what belongs to the same text behind it. */
    private byte[] config() throws IOException {
        final Text text = new Text();
        while (true) {
            while (control.available() > 0) {
                text.write(control.take(1)[0]);
                if (endsWithEnd(text, true)) {
                    takeTail(text);
                    return text.toByteArray();
                }
                if (text.size() > MAX_CONFIG_BYTES) {
                    throw ReplicationException.corrupt("configuration is longer than " + MAX_CONFIG_BYTES + " bytes");
                }
            }
            final boolean maybeWhole = endsWithEnd(text, false);
            final boolean open = maybeWhole ? control.fillOrWait(QUIET) : control.fill(STEP);
            if (maybeWhole && control.available() == 0) {
                return text.toByteArray(); // a file without a last line end
            }
            if (!open) {
                throw ReplicationException.retry("ended in the middle of the configuration", null);
            }
        }
    }

    /**
     * A configuration of exactly 1448 bytes is followed by a space, as old nodes read again after so many. What follows
     * the last line of a file came with it, as a parent says nothing else before we answer.
     */
    private void takeTail(final Text text) throws IOException {
        if (text.size() == READ_UNIT && control.available() == 0) {
            control.fillOrWait(QUIET);
        }
        final int behind = control.available();
        final int tail = behind >= END_MARK_BYTES ? behind - END_MARK_BYTES : behind;
        for (int i = 0; i < tail && isBlank(control.peek(0)); i++) {
            text.write(control.take(1)[0]);
        }
    }

    private static boolean isBlank(final byte b) {
        return b == ' ' || b == '\n' || b == '\r' || b == '\t';
    }

    /** Whether the last line is endconfig: blanks and a carriage return may follow it. */
    private static boolean endsWithEnd(final Text text, final boolean withLineEnd) {
        final byte[] tail = text.lastBytes();
        int at = tail.length - 1;
        if (withLineEnd && (at < 0 || tail[at--] != '\n')) {
            return false;
        }
        while (at >= 0 && (tail[at] == ' ' || tail[at] == '\t' || tail[at] == '\r')) {
            at--;
        }
        for (int i = END.length - 1; i >= 0; i--, at--) {
            if (at < 0 || tail[at] != END[i]) {
                return false;
            }
        }
        return true;
    }
}
