/** Where the list of what changed comes from. */
@NullMarked
package io.replicate.delta.change;

import org.jspecify.annotations.NullMarked;
