/** Keep, the block store of Arvados: locators, signatures, probe order, index text, settings, and the store itself. */
@NullMarked
package io.replicate.cas.keep;

import org.jspecify.annotations.NullMarked;
