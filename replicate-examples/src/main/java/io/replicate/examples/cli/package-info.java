/** The command line: one launcher, one command per strategy. */
@NullMarked
package io.replicate.examples.cli;

import org.jspecify.annotations.NullMarked;
