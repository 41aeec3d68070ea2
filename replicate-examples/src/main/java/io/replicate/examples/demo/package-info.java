/** The demonstration: a ring of real processes, one of which is killed. */
@NullMarked
package io.replicate.examples.demo;

import org.jspecify.annotations.NullMarked;
