/** A third party's backend, as docs/embedding.md shows it. */
@NullMarked
package io.replicate.examples.embedding;

import org.jspecify.annotations.NullMarked;
