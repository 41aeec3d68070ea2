/** The NBD server: exports, the handshake, the transmission phase and what bounds them. */
@NullMarked
package io.replicate.nbd.server;

import org.jspecify.annotations.NullMarked;
