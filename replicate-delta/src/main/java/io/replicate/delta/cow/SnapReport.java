package io.replicate.delta.cow;

/**
 * The figures of a delta as dds reports them.
 *
 * @param layout of the store.
 * @param exceptions in it.
 */
public record SnapReport(SnapLayout layout, long exceptions) {
    private static final int KB = 1024;

    /** Returns how many areas hold at least one exception. */
    public long exceptionChunks() {
        return (exceptions + layout.entriesPerArea() - 1) / layout.entriesPerArea();
    }

    /** Returns the bytes of the header and of the areas. */
    public long metaBytes() {
        return (1 + exceptionChunks()) * layout.chunkBytes();
    }

    /** Returns the bytes of the data chunks. */
    public long dataBytes() {
        return exceptions * layout.chunkBytes();
    }

    /** Returns the first part: what the header says. One item per line, no line end behind the last. */
    public String header() {
        return header(SnapHeader.VERSION, true, layout.chunkBytes());
    }

    static String header(final long version, final boolean valid, final long chunkBytes) {
        return String.format(
                "Snapshot header:%nmagic 0x%08x%nversion %d%nvalid %s%nchunk_size %s KB",
                SnapHeader.MAGIC,
                version,
                valid ? "yes" : "no",
                chunkBytes % KB == 0 ? Long.toString(chunkBytes / KB) : chunkBytes / KB + ".5"); // of whole sectors
    }

    /** Returns the second part: the counts and the size of the output. */
    public String counts() {
        return String.format(
                "Report:%nException chunks %d%nExceptions %d%nOutput size meta %d KB%nOutput size data %d KB%n"
                        + "Output size total %d KB",
                exceptionChunks(), exceptions, metaBytes() / KB, dataBytes() / KB, (metaBytes() + dataBytes()) / KB);
    }
}
