/** Tests of the native layer. */
@NullMarked
package io.replicate.core.posix;

import org.jspecify.annotations.NullMarked;
