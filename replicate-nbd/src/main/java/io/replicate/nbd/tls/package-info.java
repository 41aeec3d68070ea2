/** TLS with pre-shared keys, which the JDK's own TLS does not know: by Bouncy Castle, an optional dependency. */
@NullMarked
package io.replicate.nbd.tls;

import org.jspecify.annotations.NullMarked;
