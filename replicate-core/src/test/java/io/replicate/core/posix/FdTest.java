package io.replicate.core.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class FdTest {
    private static final int NUMBER = 1_000_000; // no such descriptor: the faults answer for it

    private final AtomicInteger closed = new AtomicInteger();
    private final Faults faults = new Faults().on("close", a -> {
        closed.incrementAndGet();
        return 0;
    });

    @Test
    void closeWaitsForTheCallUnderWay() throws IOException {
        Fd fd = Fd.adopt(faults.posix(), NUMBER, "x");
        assertThat(fd.acquire()).isEqualTo(NUMBER);
        fd.acquire();
        fd.close();
        fd.close();
        assertThat(fd.isOpen()).isFalse();
        fd.release();
        assertThat(closed).hasValue(0);
        fd.release();
        assertThat(closed).hasValue(1);
        assertThatThrownBy(fd::acquire).hasMessage("use of closed x: EBADF");
        fd.close();
        assertThat(closed).hasValue(1);
    }

    @Test
    void aBorrowedDescriptorIsNeverClosed() throws IOException {
        Fd fd = Fd.borrow(faults.posix(), NUMBER, "socket");
        fd.close();
        assertThat(closed).hasValue(0);
        assertThatThrownBy(fd::acquire).isInstanceOf(PosixException.class);
    }

    @Test
    void aFailureToCloseIsReportedOnce() throws IOException {
        faults.fail("close", Errnos.EIO);
        Fd fd = Fd.adopt(faults.posix(), NUMBER, "nfs");
        assertThatThrownBy(fd::close).hasMessage("close nfs: EIO");
        fd.close();
    }

    @Test
    void noThreadSeesADescriptorThatIsClosed() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            for (int round = 0; round < 200; round++) {
                AtomicBoolean gone = new AtomicBoolean();
                AtomicBoolean violated = new AtomicBoolean();
                Fd fd = Fd.adopt(
                        new Faults()
                                .on("close", a -> {
                                    violated.compareAndSet(false, gone.getAndSet(true));
                                    return 0;
                                })
                                .posix(),
                        NUMBER,
                        "x");
                CountDownLatch started = new CountDownLatch(3);
                List<Future<?>> users = new ArrayList<>();
                for (int user = 0; user < 3; user++) {
                    users.add(threads.submit(() -> use(fd, started, gone, violated)));
                }
                assertThat(started.await(60, TimeUnit.SECONDS)).isTrue();
                fd.close();
                for (Future<?> user : users) {
                    user.get(60, TimeUnit.SECONDS);
                }
                assertThat(gone).isTrue();
                assertThat(violated).as("used or closed after the close").isFalse();
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private static void use(Fd fd, CountDownLatch started, AtomicBoolean gone, AtomicBoolean violated) {
        while (true) {
            try {
                fd.acquire();
            } catch (PosixException e) {
                return;
            }
            if (gone.get()) {
                violated.set(true);
            }
            fd.release();
            started.countDown();
        }
    }

    @Test
    void pipesCarryBytesAndTellTheirCapacity() throws IOException {
        Posix posix = Posix.get();
        Memory data = Memory.random(100_000, 3);
        Memory back = new Memory(100_000);
        try (Pipe pipe = Pipe.open(posix, 1 << 20, false)) {
            assertThat(pipe.capacityBytes(posix)).isEqualTo(1 << 20);
            Transfers.write(posix, pipe.sink(), data.address(), data.size());
            assertThat(Transfers.read(posix, pipe.source(), back.address(), 60_000))
                    .isEqualTo(60_000);
            pipe.sink().close();
            assertThat(Transfers.read(posix, pipe.source(), back.address() + 60_000, 60_000))
                    .isEqualTo(40_000);
            assertThat(back.bytes()).isEqualTo(data.bytes());
        }
    }

    @Test
    void aPipeThatNobodyReadsIsAnError() throws IOException {
        Posix posix = Posix.get();
        try (Pipe pipe = Pipe.open(posix, 1 << 16, true)) {
            pipe.source().close();
            assertThatThrownBy(() -> Transfers.write(posix, pipe.sink(), new Memory(1).address(), 1))
                    .hasMessage("write pipe (write end) length=1: EPIPE");
        }
    }
}
