/** Tests of the transports. */
package io.replicate.core.net;
