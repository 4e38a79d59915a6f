package dev.annulus;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaType;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who may know whom. Imports point down: from what users type, over the seam, to the kernel's structures. */
class ArchitectureTest {
  private static final String OURS = "dev.annulus..";
  private static final String API = "dev.annulus";
  private static final String FS = "dev.annulus.fs";
  private static final String METRICS = "dev.annulus.metrics";
  private static final String ADAPTERS = "dev.annulus.adapter..";
  private static final String LEVELDB = "dev.annulus.adapter.leveldb";
  private static final String INTERNAL = "dev.annulus.internal..";
  private static final String DRIVER = "dev.annulus.internal.driver";
  private static final String RUNTIME = "dev.annulus.internal.runtime";
  private static final String DIRECT = "dev.annulus.internal.runtime.direct";
  private static final String PORTABLE = "dev.annulus.internal.portable";
  private static final String RING = "dev.annulus.internal.ring";
  private static final String ABI = "dev.annulus.internal.abi";

  private static final JavaClasses MAIN =
      new ClassFileImporter().withImportOption(new ImportOption.DoNotIncludeTests()).importPackages(API);

  @Test
  void packages_ofOurs_areAllKnownHere() {
    check(
        classes()
            .should()
            .resideInAnyPackage(API, FS, METRICS, ADAPTERS, DRIVER, RUNTIME, DIRECT, PORTABLE, RING, ABI));
    for (String room : new String[] {API, FS, DRIVER, RUNTIME, DIRECT, PORTABLE, RING, ABI}) {
      assertTrue(MAIN.stream().anyMatch(type -> type.getPackageName().equals(room)), "no class in " + room);
    }
  }

  @Test
  void abi_knowsNoneOfOurs() {
    check(onlyKnows(ABI));
  }

  @Test
  void ring_knowsOnlyAbi() {
    check(onlyKnows(RING, ABI));
  }

  @Test
  void driver_knowsNoneOfOurs() {
    check(onlyKnows(DRIVER));
  }

  @Test
  void runtime_knowsOnlyWhatIsBelow() {
    check(onlyKnows(RUNTIME, DIRECT, RING, ABI, DRIVER));
  }

  @Test
  void directCalls_knowOnlyAbiAndTheSeam() {
    check(onlyKnows(DIRECT, ABI, DRIVER));
  }

  @Test
  void portable_knowsOnlyTheSeam() {
    check(onlyKnows(PORTABLE, DRIVER));
  }

  @Test
  void api_knowsOnlyTheSeam_exceptWhereTheDriverIsChosen() {
    DescribedPredicate<JavaClass> drivers =
        DescribedPredicate.describe("Drivers", type -> outermost(type).getName().equals(API + ".Drivers"));
    check(
        classes()
            .that(resideInAPackage(API).and(not(drivers)))
            .should()
            .onlyDependOnClassesThat(resideInAnyPackage(API, DRIVER).or(not(resideInAPackage(OURS)))));
    check(
        classes()
            .that(resideInAPackage(API).and(drivers))
            .should()
            .onlyDependOnClassesThat(
                resideInAnyPackage(API, DRIVER, RUNTIME, PORTABLE).or(not(resideInAPackage(OURS)))));
  }

  @Test
  void fs_knowsOnlyTheApi() {
    check(onlyKnows(FS, API));
  }

  @Test
  void metrics_knowOnlyTheApiAndFs() {
    check(onlyKnows(METRICS, API, FS).allowEmptyShould(true));
  }

  @Test
  void adapters_knowOnlyTheApiAndFs() {
    check(onlyKnows(ADAPTERS, API, FS).allowEmptyShould(true));
  }

  @Test
  void internals_doNotKnowTheApi() {
    check(
        noClasses()
            .that(resideInAPackage(INTERNAL))
            .should()
            .dependOnClassesThat(resideInAnyPackage(API, FS, METRICS, ADAPTERS)));
  }

  @Test
  void packages_haveNoCycles() {
    check(
        slices()
            .assignedFrom(
                new SliceAssignment() {
                  @Override
                  public SliceIdentifier getIdentifierOf(JavaClass type) {
                    return type.getPackageName().startsWith(API)
                        ? SliceIdentifier.of(type.getPackageName())
                        : SliceIdentifier.ignore();
                  }

                  @Override
                  public String getDescription() {
                    return "packages";
                  }
                })
            .should()
            .beFreeOfCycles());
  }

  @Test
  void jctools_isKnownOnlyToTheRuntime() {
    check(
        noClasses()
            .that(not(resideInAPackage(RUNTIME)))
            .should()
            .dependOnClassesThat(resideInAPackage("org.jctools..")));
  }

  /** Each of these is optional: a class that names one must be in the room that is only entered where the library is. */
  @ParameterizedTest
  @CsvSource({
    "io.micrometer.., dev.annulus.metrics",
    "org.apache.lucene.., dev.annulus.adapter.lucene..",
    "org.iq80.leveldb.., dev.annulus.adapter.leveldb..",
    "io.netty.., dev.annulus.adapter.netty.."
  })
  void optionalLibrary_isKnownOnlyToItsRoom(String library, String room) {
    check(noClasses().that(not(resideInAPackage(room))).should().dependOnClassesThat(resideInAPackage(library)));
  }

  /** Outside the rooms of optional libraries: nothing but the JDK's base, JCTools, annotations, and the flight recorder's events. */
  @Test
  void core_needsNothingElse() {
    check(
        classes()
            .that(not(resideInAnyPackage(METRICS, ADAPTERS)))
            .should()
            .onlyDependOnClassesThat(
                resideInAnyPackage(OURS, "java..", "jdk.jfr..", "org.jctools..", "org.jspecify..")));
  }

  /** An image of the JDK may lack it: the events are touched only after having asked whether it is there. */
  @Test
  void flightRecorder_isKnownOnlyToTheEvents() {
    check(noClasses().that().haveSimpleNameNotEndingWith("Event").should().dependOnClassesThat(resideInAPackage("jdk.jfr..")));
  }

  @Test
  void lucene_isKnownOnlyToItsAdapter() {
    check(
        noClasses()
            .that(not(resideInAPackage("dev.annulus.adapter.lucene")))
            .should()
            .dependOnClassesThat(resideInAPackage("org.apache.lucene..")));
  }

  @Test
  void leveldb_isKnownOnlyToItsAdapter() {
    check(
        noClasses()
            .that(not(resideInAPackage(LEVELDB)))
            .should()
            .dependOnClassesThat(resideInAPackage("org.iq80..")));
  }

  /** Paths are names; what touches files is the facade. */
  @Test
  void leveldbAdapter_reachesFilesOnlyThroughTheFacade() {
    check(
        noClasses()
            .that(resideInAPackage(LEVELDB))
            .should()
            .dependOnClassesThat()
            .areAssignableTo(Files.class)
            .orShould()
            .dependOnClassesThat()
            .areAssignableTo(FileChannel.class)
            .orShould()
            .dependOnClassesThat()
            .areAssignableTo(File.class)
            .orShould()
            .callMethod(Path.class, "toFile")
            .orShould()
            .dependOnClassesThat()
            .areAssignableTo(RandomAccessFile.class)
            .orShould()
            .dependOnClassesThat()
            .areAssignableTo(FileInputStream.class)
            .orShould()
            .dependOnClassesThat()
            .areAssignableTo(FileOutputStream.class));
  }

  /** A JVM must be told to allow these; kept together, they can be read together. */
  @Test
  void nativeAccess_isTakenOnlyInAbi() {
    DescribedPredicate<JavaClass> outside = not(resideInAPackage(ABI));
    check(
        noClasses()
            .that(outside)
            .should()
            .dependOnClassesThat()
            .areAssignableTo(Linker.class)
            .orShould()
            .dependOnClassesThat()
            .areAssignableTo(SymbolLookup.class)
            .orShould()
            .callMethodWhere(
                DescribedPredicate.describe(
                    "restricted methods",
                    call -> {
                      JavaClass owner = call.getTargetOwner();
                      String name = call.getTarget().getName();
                      return (owner.isAssignableTo(MemorySegment.class) && name.equals("reinterpret"))
                          || (owner.isAssignableTo(AddressLayout.class) && name.equals("withTargetLayout"))
                          || ((owner.isEquivalentTo(System.class) || owner.isEquivalentTo(Runtime.class))
                              && (name.equals("load") || name.equals("loadLibrary")));
                    })));
  }

  @Test
  void mainCode_neitherSleepsNorExitsNorPrints() {
    check(
        noClasses()
            .should()
            .callMethod(Thread.class, "sleep", long.class)
            .orShould()
            .callMethod(Thread.class, "sleep", long.class, int.class)
            .orShould()
            .callMethod(Thread.class, "sleep", Duration.class)
            .orShould()
            .callMethod(System.class, "exit", int.class)
            .orShould()
            .callMethod(Runtime.class, "halt", int.class)
            .orShould()
            .accessField(System.class, "out")
            .orShould()
            .accessField(System.class, "err")
            .orShould()
            .callMethodWhere(
                DescribedPredicate.describe(
                    "a stack trace is printed",
                    call ->
                        call.getTargetOwner().isAssignableTo(Throwable.class)
                            && call.getTarget().getName().equals("printStackTrace")))
            .orShould()
            .dependOnClassesThat()
            .areAssignableTo(IO.class)
            .orShould()
            .dependOnClassesThat()
            .areAssignableTo(PrintStream.class));
  }

  @Test
  void exportedTypes_mentionNothingInternal() {
    check(
        classes()
            .that(resideInAnyPackage(API, FS, METRICS, ADAPTERS).and(exported()))
            .should(
                new ArchCondition<>("have no internal type in their signatures") {
                  @Override
                  public void check(JavaClass type, ConditionEvents events) {
                    mentioned(type)
                        .filter(resideInAPackage(INTERNAL))
                        .distinct()
                        .forEach(
                            internal ->
                                events.add(
                                    SimpleConditionEvent.violated(type, type.getName() + " mentions " + internal.getName())));
                  }
                }));
  }

  /** Public, and so is every type around it. */
  private static DescribedPredicate<JavaClass> exported() {
    return DescribedPredicate.describe(
        "exported",
        type -> {
          for (JavaClass each = type; each != null; each = each.getEnclosingClass().orElse(null)) {
            if (!visible(each.getModifiers())) {
              return false;
            }
          }
          return true;
        });
  }

  private static boolean visible(Set<JavaModifier> modifiers) {
    return modifiers.contains(JavaModifier.PUBLIC) || modifiers.contains(JavaModifier.PROTECTED);
  }

  /** All types a user can see in a type's declaration and in its visible members. */
  private static Stream<JavaClass> mentioned(JavaClass type) {
    Set<JavaClass> seen = new HashSet<>();
    type.getSuperclass().ifPresent(superclass -> addAll(seen, superclass));
    type.getInterfaces().forEach(each -> addAll(seen, each));
    type.getTypeParameters().forEach(parameter -> addAll(seen, parameter));
    type.getPermittedSubclasses().stream().flatMap(Set::stream).filter(exported()).forEach(seen::add);
    for (JavaMember member : type.getMembers()) {
      if (!visible(member.getModifiers())) {
        continue;
      }
      if (member instanceof JavaField field) {
        addAll(seen, field.getType());
      } else if (member instanceof JavaCodeUnit code) {
        addAll(seen, code.getReturnType());
        code.getParameterTypes().forEach(parameter -> addAll(seen, parameter));
        code.getTypeParameters().forEach(parameter -> addAll(seen, parameter));
        seen.addAll(code.getExceptionTypes());
      }
    }
    return seen.stream();
  }

  private static void addAll(Set<JavaClass> seen, JavaType type) {
    type.getAllInvolvedRawTypes().forEach(raw -> seen.add(raw.getBaseComponentType()));
  }

  private static ArchRule onlyKnows(String room, String... others) {
    return classes()
        .that(resideInAPackage(room))
        .should()
        .onlyDependOnClassesThat(
            resideInAPackage(room).or(resideInAnyPackage(others)).or(not(resideInAPackage(OURS))));
  }

  private static JavaClass outermost(JavaClass type) {
    return type.getEnclosingClass().map(ArchitectureTest::outermost).orElse(type);
  }

  private static void check(ArchRule rule) {
    rule.check(MAIN);
  }
}
