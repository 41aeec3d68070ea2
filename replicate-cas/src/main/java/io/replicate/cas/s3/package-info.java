/** A bucket as a store of contents. */
@NullMarked
package io.replicate.cas.s3;

import org.jspecify.annotations.NullMarked;
