package io.replicate.examples;

import static com.tngtech.archunit.base.DescribedPredicate.alwaysTrue;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "io.replicate", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    /** Only the examples see every module, and every module sees core. */
    @ArchTest
    static final ArchRule siblingsDoNotSeeEachOther = slices().matching("io.replicate.(*)..")
            .should()
            .notDependOnEachOther()
            .ignoreDependency(resideInAPackage("io.replicate.examples.."), alwaysTrue())
            .ignoreDependency(alwaysTrue(), resideInAPackage("io.replicate.core.."));

    @ArchTest
    static final ArchRule theContractOfCoreKnowsNoBackend = noClasses()
            .that()
            .resideInAPackage("io.replicate.core.spi..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.replicate.core.file..", "io.replicate.core.net..");

    @ArchTest
    static final ArchRule theExamplesUseOnlyWhatIsPublic = noClasses()
            .that()
            .resideInAPackage("io.replicate.examples..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.replicate.*.internal..");
}
