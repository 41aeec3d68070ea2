/** Deltas between two generations of an image: what changed is extracted from a snapshot's exception store, and merged into a copy elsewhere. */
@NullMarked
package io.replicate.delta;

import org.jspecify.annotations.NullMarked;
