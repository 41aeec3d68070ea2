/** Changing a target so that it is never torn: spool, commit record, replay; undo; the overlay that shows the result early. */
@NullMarked
package io.replicate.delta.apply;

import org.jspecify.annotations.NullMarked;
