/** Tests of the exception store. */
@NullMarked
package io.replicate.delta.cow;

import org.jspecify.annotations.NullMarked;
