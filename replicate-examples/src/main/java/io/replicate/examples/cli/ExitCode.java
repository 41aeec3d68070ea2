package io.replicate.examples.cli;

/** What a command's exit status means. A signal ends the JVM with 128 plus its number: 130 for INT, 143 for TERM. */
final class ExitCode {
    /** Everything asked for was done and proven. */
    static final int OK = 0;
    /** The job failed. */
    static final int FAILED = 1;
    /** The request is wrong; nothing was touched. */
    static final int USAGE = 2;
    /** Some parts failed; they were listed. */
    static final int PARTLY = 3;

    /** Who was to read the standard output has gone: 128 and the number of SIGPIPE. */
    static final int BROKEN_PIPE = 141;

    private ExitCode() {}
}
