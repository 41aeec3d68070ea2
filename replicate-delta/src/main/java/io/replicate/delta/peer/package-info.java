/** How two of us talk: the tree, single ranges, and deltas that go on by themselves where they were cut. */
@NullMarked
package io.replicate.delta.peer;

import org.jspecify.annotations.NullMarked;
