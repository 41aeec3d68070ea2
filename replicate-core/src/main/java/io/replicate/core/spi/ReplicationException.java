package io.replicate.core.spi;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A failure that says what its caller should do. The message has the place: call, path, offset, length, cause. */
public class ReplicationException extends IOException {
    private static final long serialVersionUID = 1L;

    /** What the caller should do. */
    public enum Category {
        /** The same step may succeed later: a peer away, a time-out, a busy server. Try again within the budget. */
        RETRY,
        /** This job cannot go on: a full disk, a failed fsync, a vanished source. Stop, report, keep the checkpoint. */
        FAIL_JOB,
        /** Bytes are not what they must be. Never store them; report, or fetch them elsewhere. */
        CORRUPT,
        /** Somebody asked to stop. */
        CANCELLED,
        /** The request itself is wrong: tell the user, touch nothing. */
        MISUSE
    }

    private final Category category;

    public ReplicationException(final Category category, final String message) {
        this(category, message, null);
    }

    public ReplicationException(final Category category, final String message, final @Nullable Throwable cause) {
        super(message, cause);
        this.category = category;
    }

    /** Returns what the caller should do. */
    public Category category() {
        return category;
    }

    /** Returns a RETRY failure. */
    public static ReplicationException retry(final String message, final @Nullable Throwable cause) {
        return new ReplicationException(Category.RETRY, message, cause);
    }

    /** Returns a FAIL_JOB failure. */
    public static ReplicationException fail(final String message, final @Nullable Throwable cause) {
        return new ReplicationException(Category.FAIL_JOB, message, cause);
    }

    /** Returns a CORRUPT failure. */
    public static ReplicationException corrupt(final String message) {
        return new ReplicationException(Category.CORRUPT, message);
    }

    /** Returns a MISUSE failure. */
    public static ReplicationException misuse(final String message) {
        return new ReplicationException(Category.MISUSE, message);
    }

    /** Returns the category of any failure: that of a ReplicationException in the chain, else FAIL_JOB. */
    public static Category categoryOf(final Throwable failure) {
        for (Throwable t = failure; t != null; t = t.getCause()) {
            if (t instanceof ReplicationException r) {
                return r.category;
            }
        }
        return Category.FAIL_JOB;
    }
}
