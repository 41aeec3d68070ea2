/** The NBD protocol on the wire: numbers, headers, error values and URIs. */
@NullMarked
package io.replicate.nbd.protocol;

import org.jspecify.annotations.NullMarked;
