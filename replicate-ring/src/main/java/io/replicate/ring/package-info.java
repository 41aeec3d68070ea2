/** Ring clone: one source to many nodes, each of which passes on what it stores. */
@NullMarked
package io.replicate.ring;

import org.jspecify.annotations.NullMarked;
