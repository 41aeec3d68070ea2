/** HTTP/1.1 over Netty, from the socket into a block's memory and back, with one copy at most. */
@NullMarked
package io.replicate.cas.internal.http;

import org.jspecify.annotations.NullMarked;
