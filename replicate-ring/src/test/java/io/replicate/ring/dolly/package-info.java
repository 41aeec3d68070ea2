/** Tests of the dolly dialects, against a peer that shares no code with them. */
@NullMarked
package io.replicate.ring.dolly;

import org.jspecify.annotations.NullMarked;
