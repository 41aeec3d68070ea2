/** The machinery of a ring: frames, the feed that a node forwards from, links between nodes, the server's coordination. */
@NullMarked
package io.replicate.ring.internal;

import org.jspecify.annotations.NullMarked;
