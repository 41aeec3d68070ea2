/** Links between machines: tcp, unix, tls, stdio, exec; and the one frame header that all own protocols share. */
@NullMarked
package io.replicate.core.net;

import org.jspecify.annotations.NullMarked;
