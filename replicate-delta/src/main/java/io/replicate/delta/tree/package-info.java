/** The hash tree of an image: what a copy holds can be proven, compared and repaired chunk by chunk. */
@NullMarked
package io.replicate.delta.tree;

import org.jspecify.annotations.NullMarked;
