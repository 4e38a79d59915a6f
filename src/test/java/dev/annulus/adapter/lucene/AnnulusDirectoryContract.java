package dev.annulus.adapter.lucene;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.IoRuntime;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.ProviderMismatchException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.CheckIndex;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.StoredFields;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.AlreadyClosedException;
import org.apache.lucene.store.FSLockFactory;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.IndexOutput;
import org.apache.lucene.store.MergeInfo;
import org.apache.lucene.store.RandomAccessInput;
import org.apache.lucene.util.BytesRef;
import org.junit.jupiter.api.Test;

/** What Lucene's own suites do not ask of a directory, or not of this one. */
abstract class AnnulusDirectoryContract extends DirectoryFixture {
  private static final List<IOContext> CONTEXTS =
      List.of(IOContext.DEFAULT, IOContext.READONCE, IOContext.merge(new MergeInfo(1, 1, false, 1)));

  // ---- reading ----

  @Test
  void reads_ofAllKindsInAnyOrder_giveTheFilesContents() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    byte[] contents = file("data", 300_000, seed);
    try (AnnulusDirectory directory = directory(4L * BLOCK)) {
      for (IOContext context : CONTEXTS) {
        try (IndexInput whole = directory.openInput("data", context)) {
          int start = random.nextInt(5000);
          int length = contents.length - start - random.nextInt(5000);
          byte[] expected = Arrays.copyOfRange(contents, start, start + length);
          IndexInput slice = whole.slice("part", start, length, context);
          for (int i = 0; i < 3000; i++) {
            readSomething(slice, expected, random, "seed " + seed + ", step " + i);
          }
        }
      }
      awaitNoneInUse(directory);
    }
  }

  private static void readSomething(IndexInput input, byte[] contents, Random random, String context) throws IOException {
    ByteBuffer expected = ByteBuffer.wrap(contents).order(ByteOrder.LITTLE_ENDIAN);
    int room = 32_768;
    int at = random.nextBoolean() ? (int) Math.min(input.getFilePointer(), contents.length - room) : random.nextInt(contents.length - room);
    int count = 1 + random.nextInt(random.nextInt(8) == 0 ? room / Long.BYTES : 200);
    RandomAccessInput anywhere = (RandomAccessInput) input;
    switch (random.nextInt(12)) {
      case 0 -> input.prefetch(at, Math.min(8L * count, contents.length - at));
      case 1 -> assertEquals(contents[at], anywhere.readByte(at), context);
      case 2 -> assertEquals(expected.getShort(at), anywhere.readShort(at), context);
      case 3 -> assertEquals(expected.getInt(at), anywhere.readInt(at), context);
      case 4 -> assertEquals(expected.getLong(at), anywhere.readLong(at), context);
      case 5 -> {
        byte[] read = new byte[count + 2];
        anywhere.readBytes(at, read, 1, count);
        assertArrayEquals(Arrays.copyOfRange(contents, at, at + count), Arrays.copyOfRange(read, 1, count + 1), context);
      }
      default -> {
        input.seek(at);
        int bytes = readInOrder(input, expected.position(at), count, random.nextInt(7), context);
        assertEquals(at + bytes, input.getFilePointer(), context);
      }
    }
  }

  private static int readInOrder(IndexInput input, ByteBuffer expected, int count, int kind, String context) throws IOException {
    switch (kind) {
      case 0 -> {
        byte[] read = new byte[count * 4];
        byte[] wanted = new byte[count * 4];
        expected.get(wanted);
        input.readBytes(read, 0, read.length);
        assertArrayEquals(wanted, read, context);
        return read.length;
      }
      case 1 -> {
        int[] read = new int[count];
        int[] wanted = new int[count];
        expected.asIntBuffer().get(wanted);
        input.readInts(read, 0, count);
        assertArrayEquals(wanted, read, context);
        return count * Integer.BYTES;
      }
      case 2 -> {
        long[] read = new long[count];
        long[] wanted = new long[count];
        expected.asLongBuffer().get(wanted);
        input.readLongs(read, 0, count);
        assertArrayEquals(wanted, read, context);
        return count * Long.BYTES;
      }
      case 3 -> {
        float[] read = new float[count];
        float[] wanted = new float[count];
        expected.asFloatBuffer().get(wanted);
        input.readFloats(read, 0, count);
        for (int i = 0; i < count; i++) {
          assertEquals(Float.floatToRawIntBits(wanted[i]), Float.floatToRawIntBits(read[i]), context);
        }
        return count * Float.BYTES;
      }
      case 4 -> assertEquals(expected.getLong(), input.readLong(), context);
      case 5 -> {
        input.skipBytes(4);
        assertEquals(expected.getInt(expected.position() + 4), input.readInt(), context);
      }
      default -> {
        assertEquals(expected.getShort(), input.readShort(), context);
        assertEquals(expected.getInt(), input.readInt(), context);
        assertEquals(expected.get(), input.readByte(), context);
        assertEquals(expected.get(), input.readByte(), context);
      }
    }
    return Long.BYTES;
  }

  @Test
  void input_closed_endsItsClonesAndSlices_alsoForWhatTheyHaveBuffered() throws Exception {
    byte[] contents = file("data", 1000, 1);
    try (AnnulusDirectory directory = directory(BLOCK)) {
      IndexInput parent = directory.openInput("data", IOContext.DEFAULT);
      IndexInput clone = parent.clone();
      IndexInput slice = clone.slice("part", 100, 800);
      RandomAccessInput anywhere = parent.randomAccessSlice(100, 800);
      assertEquals(contents[0], clone.readByte());
      assertEquals(contents[100], slice.readByte());
      assertEquals(contents[105], anywhere.readByte(5));
      parent.close();
      assertThrows(AlreadyClosedException.class, clone::readByte);
      assertThrows(AlreadyClosedException.class, clone::readLong);
      assertThrows(AlreadyClosedException.class, () -> slice.readBytes(new byte[2], 0, 2));
      assertThrows(AlreadyClosedException.class, () -> slice.readInts(new int[2], 0, 2));
      assertThrows(AlreadyClosedException.class, () -> anywhere.readByte(5));
      assertThrows(AlreadyClosedException.class, () -> anywhere.readBytes(5, new byte[2], 0, 2));
      assertThrows(AlreadyClosedException.class, () -> slice.seek(3));
      assertThrows(AlreadyClosedException.class, () -> slice.prefetch(0, 1));
      assertThrows(AlreadyClosedException.class, clone::clone);
      assertThrows(AlreadyClosedException.class, () -> slice.slice("more", 0, 1));
    }
  }

  @Test
  void read_onAnInterruptedThread_neitherFailsNorClosesTheFile() throws Exception {
    byte[] contents = file("data", 100_000, 1);
    try (AnnulusDirectory directory = directory(16L * BLOCK);
        IndexInput input = directory.openInput("data", IOContext.DEFAULT)) {
      byte[] read = new byte[contents.length];
      Thread.currentThread().interrupt();
      try {
        input.prefetch(0, 10_000);
        input.readBytes(read, 0, 50_000);
      } finally {
        assertTrue(Thread.interrupted());
      }
      input.readBytes(read, 50_000, 50_000);
      assertArrayEquals(contents, read);
    }
  }

  @Test
  void read_onTheRuntimesThread_isRefusedWithTheReason() throws Exception {
    file("data", 100_000, 1);
    try (AnnulusDirectory directory = directory(BLOCK);
        IndexInput input = directory.openInput("data", IOContext.DEFAULT)) {
      CompletableFuture<Byte> read;
      try (HeldUp _ = new HeldUp()) {
        // Complete only later, so that the dependent does not run here.
        read =
            runtime
                .nop()
                .thenApply(
                    _ -> {
                      try {
                        return input.readByte();
                      } catch (IOException e) {
                        throw new CompletionException(e);
                      }
                    });
      }
      CompletionException failure = assertThrows(CompletionException.class, read::join);
      assertSays("runtime's own thread", assertInstanceOf(IllegalStateException.class, failure.getCause()));
    }
  }

  @Test
  void openInput_afterTheRuntimeIsClosed_saysSo() throws Exception {
    file("data", 1000, 1);
    IoRuntime other = IoRuntime.builder().backend(backend()).open();
    try (AnnulusDirectory directory = new AnnulusDirectory(dir, FSLockFactory.getDefault(), other)) {
      IndexInput input = directory.openInput("data", IOContext.DEFAULT);
      other.close();
      assertSays("runtime is closed", assertThrows(AlreadyClosedException.class, input::readByte));
      assertSays("closed", assertThrows(IOException.class, () -> directory.openInput("data", IOContext.DEFAULT)));
      input.close();
    }
  }

  @Test
  void constructor_pathOfAnotherFileSystem_isRefusedAndNothingCreated() throws Exception {
    try (FileSystem zip = FileSystems.newFileSystem(dir.resolve("some.zip"), Map.of("create", "true"))) {
      assertThrows(
          ProviderMismatchException.class,
          () -> new AnnulusDirectory(zip.getPath("/index"), FSLockFactory.getDefault(), runtime).close());
      assertFalse(Files.exists(zip.getPath("/index")));
    }
  }

  @Test
  void constructor_negativeLimit_isRefusedAndNothingCreated() {
    assertThrows(
        IllegalArgumentException.class,
        () -> new AnnulusDirectory(dir.resolve("index"), FSLockFactory.getDefault(), runtime, -1).close());
    assertFalse(Files.exists(dir.resolve("index")));
  }

  // ---- writing ----

  @Test
  void output_ofManySizes_arrivesAsWritten() throws Exception {
    byte[] contents = contents(400_000, 7);
    try (AnnulusDirectory directory = directory(0)) {
      try (IndexOutput output = directory.createOutput("out", IOContext.DEFAULT)) {
        output.writeBytes(contents, 0, 200_000);
        for (int i = 200_000; i < 220_000; i++) {
          output.writeByte(contents[i]);
        }
        output.writeBytes(contents, 220_000, 180_000);
        assertEquals(contents.length, output.getFilePointer());
      }
      assertArrayEquals(contents, Files.readAllBytes(dir.resolve("out")));
      assertEquals(contents.length, directory.fileLength("out"));
    }
  }

  @Test
  void sync_ofManyFiles_submitsAllBeforeItWaits() throws Exception {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      names.add("file" + i);
      file(names.get(i), 100, i);
    }
    try (AnnulusDirectory directory = directory(0);
        ExecutorService thread = Executors.newSingleThreadExecutor()) {
      Future<?> syncing;
      try (HeldUp _ = new HeldUp()) {
        syncing = thread.submit(callOf(() -> directory.sync(names)));
        await().atMost(PATIENCE).until(() -> runtime.stats().queued() == names.size());
        assertFalse(syncing.isDone());
      }
      Object _ = syncing.get(20, SECONDS);
    }
  }

  @Test
  void sync_withMissingFiles_failsForEachOfThem_andCreatesNone() throws Exception {
    file("there", 100, 1);
    try (AnnulusDirectory directory = directory(0)) {
      NoSuchFileException failure =
          assertThrows(NoSuchFileException.class, () -> directory.sync(List.of("missing1", "there", "missing2")));
      Throwable other = failure.getSuppressed()[0];
      assertEquals(1, failure.getSuppressed().length);
      assertEquals(
          Set.of(dir.resolve("missing1").toString(), dir.resolve("missing2").toString()),
          Set.of(failure.getFile(), assertInstanceOf(NoSuchFileException.class, other).getFile()));
      assertArrayEquals(new String[] {"there"}, directory.listAll());
    }
  }

  // ---- all together ----

  @Test
  void index_writtenMergedAndSearchedByVirtualThreads_isWhole() throws Exception {
    int documents = 2000;
    try (AnnulusDirectory directory = directory(64L * BLOCK)) {
      try (IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig().setMaxBufferedDocs(300))) {
        for (int i = 0; i < documents; i++) {
          Document document = new Document();
          document.add(new StringField("id", Integer.toString(i), Field.Store.YES));
          document.add(new StringField("group", Integer.toString(i % 10), Field.Store.NO));
          document.add(new StoredField("payload", contents(200, i)));
          long _ = writer.addDocument(document);
        }
        long _ = writer.commit();
        writer.forceMerge(2);
      }
      try (CheckIndex check = new CheckIndex(directory)) {
        assertTrue(check.checkIndex().clean);
      }
      try (DirectoryReader reader = DirectoryReader.open(directory);
          ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        IndexSearcher searcher = new IndexSearcher(reader);
        List<Future<?>> searches = new ArrayList<>();
        for (int group = 0; group < 10; group++) {
          String wanted = Integer.toString(group);
          searches.add(threads.submit(callOf(() -> search(searcher, wanted, documents / 10))));
        }
        for (Future<?> search : searches) {
          Object _ = search.get(30, SECONDS);
        }
      }
      awaitIdle();
    }
  }

  private static void search(IndexSearcher searcher, String group, int expected) throws IOException {
    ScoreDoc[] hits = searcher.search(new TermQuery(new Term("group", group)), expected + 1).scoreDocs;
    assertEquals(expected, hits.length);
    StoredFields stored = searcher.storedFields();
    for (ScoreDoc hit : hits) {
      stored.prefetch(hit.doc);
    }
    for (ScoreDoc hit : hits) {
      Document document = stored.document(hit.doc);
      int id = Integer.parseInt(document.get("id"));
      assertEquals(group, Integer.toString(id % 10));
      assertEquals(new BytesRef(contents(200, id)), document.getBinaryValue("payload"));
    }
  }

  private interface Action {
    void run() throws Exception;
  }

  private static Callable<Boolean> callOf(Action action) {
    return () -> {
      action.run();
      return true;
    };
  }
}
