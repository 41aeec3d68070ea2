/** The control socket of a running server. */
@NullMarked
package io.replicate.nbd.control;

import org.jspecify.annotations.NullMarked;
