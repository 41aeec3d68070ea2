/** An image with a delta over it, read as one: the locator {@code delta:}. */
@NullMarked
package io.replicate.delta.volume;

import org.jspecify.annotations.NullMarked;
