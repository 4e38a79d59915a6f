package dev.annulus.adapter.lucene;

import dev.annulus.Backend;
import org.junit.BeforeClass;

public class IoUringLuceneDirectoryTest extends LuceneDirectorySuite {
  @BeforeClass
  public static void openRuntime() {
    open(Backend.IO_URING);
  }
}
