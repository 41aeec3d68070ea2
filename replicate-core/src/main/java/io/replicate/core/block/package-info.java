/** Aligned direct memory: {@link io.replicate.core.block.Block}, its pool, and the bounded pipe between two stages. */
@NullMarked
package io.replicate.core.block;

import org.jspecify.annotations.NullMarked;
