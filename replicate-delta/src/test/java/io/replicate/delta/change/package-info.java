/** Tests of change sources. */
@NullMarked
package io.replicate.delta.change;

import org.jspecify.annotations.NullMarked;
