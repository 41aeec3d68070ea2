package io.replicate.core.net;

import io.replicate.core.contract.LinkContract;
import io.replicate.core.posix.Pipe;
import io.replicate.core.posix.Posix;
import io.replicate.core.spi.Peer;

class PipeLinkTest extends LinkContract {

    @Override
    protected Pair newPair() throws Exception {
        final Posix posix = Posix.get();
        final Pipe there = Pipe.open(posix, 1 << 16, true);
        final Pipe back = Pipe.open(posix, 1 << 16, true);
        return new Pair(
                new PipeLink(posix, back.source(), there.sink(), Peer.anonymous("far")),
                new PipeLink(posix, there.source(), back.sink(), Peer.anonymous("near")));
    }
}
