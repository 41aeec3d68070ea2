/** Dirty bitmaps: what of a volume was changed since somebody asked. */
@NullMarked
package io.replicate.nbd.bitmap;

import org.jspecify.annotations.NullMarked;
