/** Tests of the transports. */
@NullMarked
package io.replicate.core.net;

import org.jspecify.annotations.NullMarked;
