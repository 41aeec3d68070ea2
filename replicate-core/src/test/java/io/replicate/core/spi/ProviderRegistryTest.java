package io.replicate.core.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Providers as other people bring them: well made, twice, and broken. */
class ProviderRegistryTest {
    @TempDir
    private Path directory;

    /** Serves {@code third:} as a source. */
    public static class ThirdParty implements Provider {
        @Override
        public Set<String> schemes() {
            return Set.of("third");
        }

        @Override
        public Optional<Source<?>> source(final Locator locator) {
            return Optional.empty();
        }
    }

    /** Serves {@code third:} too. */
    public static final class Rival extends ThirdParty {}

    /** Serves {@code third:} with another face. */
    public static final class Complement implements Provider {
        @Override
        public Set<String> schemes() {
            return Set.of("third");
        }

        @Override
        public Optional<Checkpoint> checkpoint(final Locator locator) {
            return Optional.empty();
        }
    }

    /** Cannot be made. */
    public static final class Broken implements Provider {
        /** Fails. */
        public Broken() {
            throw new IllegalStateException("licence expired");
        }

        @Override
        public Set<String> schemes() {
            return Set.of("broken");
        }
    }

    private final Locator third = parse("third:thing");

    private static Locator parse(final String text) {
        try {
            return Locator.parse(text);
        } catch (final ReplicationException e) {
            throw new AssertionError(e);
        }
    }

    private ProviderRegistry registry(final String... providers) throws IOException {
        final Path services = Files.createDirectories(directory.resolve("META-INF/services"));
        Files.write(services.resolve(Provider.class.getName()), List.of(providers));
        try (URLClassLoader loader = new URLClassLoader(
                new URL[] {directory.toUri().toURL()}, getClass().getClassLoader())) {
            return new ProviderRegistry(loader);
        }
    }

    private static String[] names(final Class<?>... providers) {
        return Stream.of(providers).map(Class::getName).toArray(String[]::new);
    }

    @Test
    void aProviderOfAThirdPartyIsFoundBesideOurs() throws Exception {
        final ProviderRegistry registry = registry(names(ThirdParty.class));

        assertThat(registry.find(third, "source")).singleElement().isInstanceOf(ThirdParty.class);
        assertThat(registry.find(third, "sink")).isEmpty();
        assertThat(registry.find(parse("file:x"), "sink")).hasSize(1);
    }

    @Test
    void aSchemeMayHaveItsFacesFromDifferentProviders() throws Exception {
        final ProviderRegistry registry = registry(names(ThirdParty.class, Complement.class));

        assertThat(registry.find(third, "source")).singleElement().isInstanceOf(ThirdParty.class);
        assertThat(registry.find(third, "checkpoint")).singleElement().isInstanceOf(Complement.class);
    }

    @Test
    void twoProvidersOfTheSameFaceAreRefusedByName() throws Exception {
        final ProviderRegistry registry = registry(names(ThirdParty.class, Rival.class));

        assertThatThrownBy(() -> registry.find(third, "source"))
                .hasMessageContaining(ThirdParty.class.getName())
                .hasMessageContaining(Rival.class.getName())
                .hasMessageContaining("both serve 'third:'");
    }

    @Test
    void brokenProvidersAreLeftOutAndNamedWhenTheyAreMissed() throws Exception {
        final ProviderRegistry registry =
                registry("com.example.NotThere", Broken.class.getName(), ThirdParty.class.getName());

        assertThat(registry.find(third, "source")).hasSize(1);
        assertThatThrownBy(() -> registry.find(parse("broken:x"), "source"))
                .hasMessageContaining("unknown scheme 'broken'")
                .hasMessageContaining("com.example.NotThere")
                .hasMessageContaining("licence expired");
    }
}
