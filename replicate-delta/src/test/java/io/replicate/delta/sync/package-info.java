/** Tests of the rotation, on a stand-in for lvm2 that keeps its state in files. */
@NullMarked
package io.replicate.delta.sync;

import org.jspecify.annotations.NullMarked;
