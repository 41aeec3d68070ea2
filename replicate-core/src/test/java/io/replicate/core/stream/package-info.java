/** Tests of streams. */
@NullMarked
package io.replicate.core.stream;

import org.jspecify.annotations.NullMarked;
