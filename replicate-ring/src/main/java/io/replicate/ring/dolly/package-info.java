/** The wire dialects of dolly, 0.6x and 0.7x: server and client that take part in a ring of real dolly nodes. */
@NullMarked
package io.replicate.ring.dolly;

import org.jspecify.annotations.NullMarked;
