/** Stores of contents by digest, and the copy of one into another. */
@NullMarked
package io.replicate.cas;

import org.jspecify.annotations.NullMarked;
