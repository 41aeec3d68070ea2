/** Tests of backends in memory. */
@NullMarked
package io.replicate.core.memory;

import org.jspecify.annotations.NullMarked;
