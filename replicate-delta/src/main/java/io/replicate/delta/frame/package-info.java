/** A stream wrapped in core frames: checksummed, compressed, zeros left out. */
@NullMarked
package io.replicate.delta.frame;

import org.jspecify.annotations.NullMarked;
