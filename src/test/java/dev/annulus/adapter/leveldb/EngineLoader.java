package dev.annulus.adapter.leveldb;

import dev.annulus.fs.Fs;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeModel;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Loads LevelDB and its published tests once more, as they are but for one thing: {@code EnvImpl.createEnv}, by which the tests and the
 * engine come by their environment, makes an {@link AnnulusEnv}. So no test can get at the engine's own by any way.
 *
 * <p>Public, as {@link EnvUnderTest} is of another loader: this one.
 */
public final class EngineLoader extends ClassLoader {
  private static final String ENV_IMPL = "org.iq80.leveldb.fileenv.EnvImpl";
  private static final int WAYS_TO_CREATE = 2;
  private static final ClassDesc ENV = ClassDesc.of("org.iq80.leveldb.env.Env");

  private final Fs fs;
  private final AtomicInteger environments = new AtomicInteger();

  /** The facade that all environments work on. */
  public EngineLoader(Fs fs) {
    super("engine", EngineLoader.class.getClassLoader());
    this.fs = fs;
  }

  /** The facade, for one more environment. */
  public Fs fsForOneMore() {
    environments.incrementAndGet();
    return fs;
  }

  int environments() {
    return environments.get();
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (!isOwn(name)) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      return loaded != null ? loaded : define(name);
    }
  }

  private static boolean isOwn(String name) {
    return name.startsWith("org.iq80.leveldb.")
        || name.startsWith("org.fusesource.")
        || (name.startsWith("dev.annulus.adapter.leveldb.") && !name.equals(EngineLoader.class.getName()));
  }

  private Class<?> define(String name) throws ClassNotFoundException {
    try (InputStream in = getResourceAsStream(name.replace('.', '/') + ".class")) {
      if (in == null) {
        throw new ClassNotFoundException(name);
      }
      byte[] bytes = in.readAllBytes();
      byte[] definition = name.equals(ENV_IMPL) ? creatingOurs(bytes) : bytes;
      return defineClass(name, definition, 0, definition.length);
    } catch (IOException e) {
      throw new ClassNotFoundException(name, e);
    }
  }

  private static byte[] creatingOurs(byte[] envImpl) {
    ClassFile format = ClassFile.of();
    ClassModel model = format.parse(envImpl);
    AtomicInteger replaced = new AtomicInteger();
    byte[] result =
        format.transformClass(
            model,
            ClassTransform.transformingMethods(
                method -> method.methodName().equalsString("createEnv"),
                (method, part) -> {
                  if (part instanceof CodeModel) {
                    replaced.incrementAndGet();
                    method.withCode(
                        code ->
                            code.invokestatic(ClassDesc.of(EnvUnderTest.class.getName()), "create", MethodTypeDesc.of(ENV)).areturn());
                  } else {
                    method.with(part);
                  }
                }));
    if (replaced.get() != WAYS_TO_CREATE) {
      throw new IllegalStateException("createEnv found " + replaced + " times in " + ENV_IMPL);
    }
    return result;
  }
}
