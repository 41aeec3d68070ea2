/** The persistent exception store of dm-snapshot ("SnAp"): reading it where it lies, and reading and writing it as a stream. */
@NullMarked
package io.replicate.delta.cow;

import org.jspecify.annotations.NullMarked;
