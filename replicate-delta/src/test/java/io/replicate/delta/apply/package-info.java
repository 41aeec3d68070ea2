/** Tests of merging, with disks that lose, tear and reorder what was not synced. */
@NullMarked
package io.replicate.delta.apply;

import org.jspecify.annotations.NullMarked;
