package dev.annulus.testing;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.NewMultiArrayInstruction;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.classfile.instruction.NewPrimitiveArrayInstruction;
import java.lang.classfile.instruction.NewReferenceArrayInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.net.URL;
import java.security.ProtectionDomain;
import java.util.function.Predicate;

/**
 * Loads the library anew, and the tests that use it from inside, with a call of {@link FaultPoint} before each allocation and each call in
 * those of its classes that a test chooses. Static initializers are left alone: what fails there fails for good.
 */
public final class FaultLoader extends ClassLoader {
  private static final String ROOM = "dev.annulus.";
  private static final ClassDesc FAULT_POINT = ClassDesc.of(FaultPoint.class.getName());
  private static final MethodTypeDesc NOTHING = MethodTypeDesc.ofDescriptor("()V");

  private final Predicate<String> faulty;

  /**
   * @param faulty the classes with faults, by name
   */
  public FaultLoader(Predicate<String> faulty) {
    super("faults", FaultLoader.class.getClassLoader());
    this.faulty = faulty;
  }

  /** All of the library is faulty, save two classes of a few instructions each, which allocate nothing and call only the JDK's intrinsics. */
  public static FaultLoader ofTheLibrary() {
    return new FaultLoader(name -> isOfTheLibrary(name) && !name.endsWith(".BriefLock") && !name.endsWith(".PageRuns"));
  }

  private static boolean isOfTheLibrary(String name) {
    String root = resource(ROOM + "IoRuntime").replace("dev/annulus/IoRuntime.class", "");
    return resource(name).startsWith(root);
  }

  private static String resource(String name) {
    URL found = FaultLoader.class.getResource("/" + name.replace('.', '/') + ".class");
    return found == null ? "" : found.toString();
  }

  /** Runs a static method without arguments of a class loaded here. */
  public Object call(String className, String method) throws ReflectiveOperationException {
    var found = loadClass(className).getDeclaredMethod(method);
    found.setAccessible(true);
    return found.invoke(null);
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (!name.startsWith(ROOM) || name.equals(FaultPoint.class.getName())) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      return loaded != null ? loaded : define(name);
    }
  }

  private Class<?> define(String name) throws ClassNotFoundException {
    try (InputStream in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
      if (in == null) {
        throw new ClassNotFoundException(name);
      }
      byte[] code = in.readAllBytes();
      byte[] changed = faulty.test(name) ? withFaults(code) : code;
      return defineClass(name, changed, 0, changed.length, domainOf(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Where the class comes from, for those who ask. */
  private ProtectionDomain domainOf(String name) throws ClassNotFoundException {
    return Class.forName(name, false, getParent()).getProtectionDomain();
  }

  private byte[] withFaults(byte[] code) {
    ClassFile classFile =
        ClassFile.of(
            ClassFile.ClassHierarchyResolverOption.of(
                ClassHierarchyResolver.ofResourceParsing(getParent())
                    .orElse(ClassHierarchyResolver.defaultResolver())));
    CodeTransform faults =
        (builder, element) -> {
          if (isAllocation(element)) {
            builder.invokestatic(FAULT_POINT, "allocation", NOTHING);
          } else if (element instanceof InvokeInstruction) {
            builder.invokestatic(FAULT_POINT, "call", NOTHING);
          }
          builder.with(element);
        };
    Predicate<MethodModel> plain = method -> !method.methodName().equalsString("<clinit>");
    return classFile.transformClass(classFile.parse(code), ClassTransform.transformingMethodBodies(plain, faults));
  }

  private static boolean isAllocation(CodeElement element) {
    return switch (element) {
      case NewObjectInstruction _, NewPrimitiveArrayInstruction _, NewReferenceArrayInstruction _,
          NewMultiArrayInstruction _, InvokeDynamicInstruction _ ->
          true;
      case InvokeInstruction invoke -> isBoxing(invoke);
      default -> false;
    };
  }

  private static boolean isBoxing(InvokeInstruction invoke) {
    String owner = invoke.owner().asInternalName();
    return invoke.name().equalsString("valueOf") && (owner.equals("java/lang/Integer") || owner.equals("java/lang/Long"));
  }
}
