package io.replicate.core.stream;

import io.replicate.core.job.Job;
import io.replicate.core.job.Replication;

/** Copies one locator to another, in a process of its own. */
final class StdioMain {
    private StdioMain() {}

    public static void main(final String[] args) throws Exception {
        try (Job job = Replication.from(args[0]).to(args[1]).start()) {
            job.await();
        }
    }
}
