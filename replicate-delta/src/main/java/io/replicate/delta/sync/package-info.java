/** One run of a schedule: rotate the snapshots of a logical volume and bring its copies up to date. */
@NullMarked
package io.replicate.delta.sync;

import org.jspecify.annotations.NullMarked;
