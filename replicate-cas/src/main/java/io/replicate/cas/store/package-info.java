/** What a copy needs of a content-addressed store besides the core's {@link io.replicate.core.spi.ContentStore}. */
@NullMarked
package io.replicate.cas.store;

import org.jspecify.annotations.NullMarked;
