/** What the benchmarks of all modules share; they stand beside the tests of what they measure. */
@NullMarked
package io.replicate.core.bench;

import org.jspecify.annotations.NullMarked;
