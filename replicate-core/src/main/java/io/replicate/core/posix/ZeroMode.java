package io.replicate.core.posix;

/** What may happen to the storage below a range that is made zero. */
public enum ZeroMode {
    /** The range may lose its storage and become a hole. */
    MAY_PUNCH,
    /** The range keeps its storage, so that a later write into it cannot fail for want of space. */
    KEEP_ALLOCATED
}
