/** Directory trees as volumes: the {@code tar} of the system makes a stream of them, and trees again. */
@NullMarked
package io.replicate.ring.tar;

import org.jspecify.annotations.NullMarked;
