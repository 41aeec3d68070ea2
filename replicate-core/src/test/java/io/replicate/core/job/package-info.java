/** Tests of the job. */
@NullMarked
package io.replicate.core.job;

import org.jspecify.annotations.NullMarked;
