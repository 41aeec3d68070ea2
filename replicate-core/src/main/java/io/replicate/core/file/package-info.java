/** Regular files and block devices as source, sink and volume, and checkpoints kept in files. */
@NullMarked
package io.replicate.core.file;

import org.jspecify.annotations.NullMarked;
