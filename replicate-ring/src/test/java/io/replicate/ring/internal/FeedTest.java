package io.replicate.ring.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class FeedTest {
    private static final Duration LONG = Duration.ofMinutes(1);

    private static Frame stored(final long position) {
        return Frame.stored(0, position, 1, 0);
    }

    private static Feed feed() {
        return new Feed(0, 2, true, LONG, LONG);
    }

    /** Everything is there at the end, at once, though the store is not woken for each frame. */
    @Test
    void theStoreGetsAllFramesAndTheEndWithoutWaiting() throws Exception {
        for (int count = 0; count < 40; count++) {
            final Feed feed = feed();
            final List<Long> got = Collections.synchronizedList(new ArrayList<>());
            final CountDownLatch ended = new CountDownLatch(1);
            try (Feed.Cursor store = feed.storeCursor(0)) {
                final Thread reader = new Thread(() -> {
                    try {
                        for (Frame frame = store.next(LONG); frame != null; frame = store.next(LONG)) {
                            got.add(frame.position());
                            if (frame.isEnd()) {
                                ended.countDown();
                                return;
                            }
                        }
                    } catch (final Exception e) {
                        got.add(-1L);
                    }
                });
                reader.start();
                for (int i = 0; i < count; i++) {
                    feed.append(stored(i));
                }
                feed.append(Frame.end(count, ""));

                await().atMost(Duration.ofSeconds(30)).until(() -> ended.getCount() == 0);
                reader.join();
            }
            assertThat(got).hasSize(count + 1).doesNotContain(-1L).isSorted();
        }
    }

    /** The end of its wait, not the next frame, brings the store what has come meanwhile. */
    @Test
    void theStoreGetsAFrameAfterItsWaitEvenIfNoOtherComes() throws Exception {
        final Feed feed = feed();
        try (Feed.Cursor store = feed.storeCursor(0)) {
            final Thread producer = new Thread(() -> {
                try {
                    feed.append(stored(0));
                } catch (final Exception e) {
                    throw new IllegalStateException(e);
                }
            });
            producer.start();

            await().atMost(Duration.ofSeconds(30)).until(() -> store.next(Duration.ofMillis(10)) != null);
            producer.join();
        }
    }
}
