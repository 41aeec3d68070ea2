/** Backends without storage behind them: {@code mem:}, {@code null:} and {@code zero:}. */
@NullMarked
package io.replicate.core.memory;

import org.jspecify.annotations.NullMarked;
