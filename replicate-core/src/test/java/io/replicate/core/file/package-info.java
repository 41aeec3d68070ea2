/** Tests of files and block devices. */
@NullMarked
package io.replicate.core.file;

import org.jspecify.annotations.NullMarked;
