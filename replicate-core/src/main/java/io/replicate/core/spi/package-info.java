/** The contracts: units, {@link io.replicate.core.spi.Source}, {@link io.replicate.core.spi.Sink}, {@link io.replicate.core.spi.Transport} and {@link io.replicate.core.spi.Checkpoint}. */
@NullMarked
package io.replicate.core.spi;

import org.jspecify.annotations.NullMarked;
