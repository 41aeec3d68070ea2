/** What a side of a copy has: compact sorted tables of digests, and the difference of two of them. */
@NullMarked
package io.replicate.cas.index;

import org.jspecify.annotations.NullMarked;
