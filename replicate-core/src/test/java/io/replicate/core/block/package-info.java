/** Tests and benchmarks of blocks. */
@NullMarked
package io.replicate.core.block;

import org.jspecify.annotations.NullMarked;
