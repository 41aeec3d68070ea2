/** Tests of deltas through files, peers and locators. */
@NullMarked
package io.replicate.delta;

import org.jspecify.annotations.NullMarked;
