/** A directory as a store of contents, laid out as a keepstore's directory volume. */
@NullMarked
package io.replicate.cas.dir;

import org.jspecify.annotations.NullMarked;
