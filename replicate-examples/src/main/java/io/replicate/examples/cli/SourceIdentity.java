package io.replicate.examples.cli;

import io.replicate.core.spi.Locator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;

/** Names a source and its state, so that an unfinished copy is only gone on with while the source is the same. */
final class SourceIdentity {

    private SourceIdentity() {}

    /** Returns the locator, and of a regular file also inode, size and time of change. */
    static String of(final Locator locator) throws IOException {
        if (!"file".equals(locator.scheme()) || !Files.isRegularFile(Path.of(locator.rest()))) {
            return locator.text();
        }
        final Path path = Path.of(locator.rest());
        final Map<String, Object> attributes =
                Files.readAttributes(path, "unix:ino,size,lastModifiedTime", new LinkOption[0]);
        return path.toAbsolutePath() + " inode=" + attributes.get("ino") + " size=" + attributes.get("size") + " time="
                + attributes.get("lastModifiedTime");
    }
}
