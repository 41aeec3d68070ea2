package io.replicate.core.posix;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Chooses the implementation, once. */
final class PosixHolder {
    private static final Logger log = LoggerFactory.getLogger(Posix.class);

    static final Posix INSTANCE = choose();

    private PosixHolder() {}

    private static Posix choose() {
        if (!"Linux".equals(System.getProperty("os.name"))) {
            log.info("not on Linux: files are read and written through java.nio, without holes, reflinks or O_DIRECT");
            return new JavaPosix();
        }
        try {
            return new JnrPosix();
        } catch (LinkageError | RuntimeException e) {
            log.warn(
                    "no native calls ({}): files are used through java.nio, without holes, reflinks or O_DIRECT",
                    e.toString());
            log.debug("no native calls", e);
            return new JavaPosix();
        }
    }
}
