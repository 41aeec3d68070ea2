/** What every backend must do: extend a contract, say how yours is made, and run it with JUnit. */
@NullMarked
package io.replicate.core.contract;

import org.jspecify.annotations.NullMarked;
