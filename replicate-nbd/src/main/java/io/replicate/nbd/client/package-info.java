/** The NBD client: a remote export as source, sink and volume. */
@NullMarked
package io.replicate.nbd.client;

import org.jspecify.annotations.NullMarked;
