/**
 * Keep servers for tests: keepstores, a keepproxy and an API server that behave as those of three ages of Arvados, in this
 * process, with faults on demand. Published as the module's test-jar.
 */
@NullMarked
package io.replicate.cas.testing;

import org.jspecify.annotations.NullMarked;
