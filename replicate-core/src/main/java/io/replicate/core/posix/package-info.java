/** System calls by address, files and devices that are opened without reflection, and durable replacement of files. */
@NullMarked
package io.replicate.core.posix;

import org.jspecify.annotations.NullMarked;
