/** Whole-program benchmarks: ours and the peers in turn, in the same minute, compared by medians and processor time. */
@NullMarked
package io.replicate.examples.bench;

import org.jspecify.annotations.NullMarked;
