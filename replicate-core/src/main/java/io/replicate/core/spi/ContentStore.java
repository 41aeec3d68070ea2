package io.replicate.core.spi;

import java.io.IOException;

/** A store of contents by digest: both ends of a copy. Safe for concurrent use. */
public interface ContentStore extends Source<Digest>, Sink<Digest> {

    /** Returns what the store says it has of a content, without reading it. */
    Presence stat(Digest digest) throws IOException;
}
