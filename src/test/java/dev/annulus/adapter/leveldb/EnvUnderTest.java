package dev.annulus.adapter.leveldb;

import org.iq80.leveldb.env.Env;

/** What the engine's tests get where they ask the engine for an environment. Loaded by {@link EngineLoader} only. */
public final class EnvUnderTest {
  private EnvUnderTest() {}

  /** An environment of ours. */
  public static Env create() {
    EngineLoader loader = (EngineLoader) EnvUnderTest.class.getClassLoader();
    return new AnnulusEnv(loader.fsForOneMore());
  }
}
