/** Pipes and other streams as sequential source and sink: {@code stdio:}, FIFOs, {@code /dev/stdin}. */
@NullMarked
package io.replicate.core.stream;

import org.jspecify.annotations.NullMarked;
