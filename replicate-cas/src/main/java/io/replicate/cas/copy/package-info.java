/** Copies one store of contents into another: what is missing, proven block by block; and looks after what is there. */
@NullMarked
package io.replicate.cas.copy;

import org.jspecify.annotations.NullMarked;
