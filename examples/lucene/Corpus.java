package lucene;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.SplittableRandom;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.IndexWriterConfig.OpenMode;
import org.apache.lucene.index.LogDocMergePolicy;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.util.BytesRef;

/**
 * An index of documents that do not compress. The document numbered n begins with n, and has a few terms out of many; so whoever reads one
 * can tell whether it is the right one.
 */
final class Corpus {
  static final String TERM = "term";
  static final String PAYLOAD = "payload";

  /** Each term is in about 1 of 500 documents. */
  static final int TERMS = 2000;

  private static final int TERMS_PER_DOCUMENT = 4;
  private static final int PAYLOAD_BYTES = 1024;
  private static final int DOCUMENTS_PER_FLUSH = 50_000;

  private final Path path;
  private final int documents;

  Corpus(Path path, int documents) {
    this.path = path;
    this.documents = documents;
  }

  int documents() {
    return documents;
  }

  Path path() {
    return path;
  }

  /** Makes the index, unless it is there. Always through Lucene's own directory, so that all read the same files. */
  void make() throws IOException {
    Files.createDirectories(path);
    try (Directory directory = FSDirectory.open(path)) {
      if (isThere(directory)) {
        return;
      }
      IndexWriterConfig config = new IndexWriterConfig().setOpenMode(OpenMode.CREATE).setMaxBufferedDocs(DOCUMENTS_PER_FLUSH);
      // One that only merges neighbours, so that documents keep their numbers.
      config.setMergePolicy(new LogDocMergePolicy());
      config.setRAMBufferSizeMB(IndexWriterConfig.DISABLE_AUTO_FLUSH).setUseCompoundFile(false);
      try (IndexWriter writer = new IndexWriter(directory, config);
          Progress progress = new Progress("indexing", documents)) {
        for (int n = 0; n < documents; n++) {
          long _ = writer.addDocument(document(n));
          progress.update(n + 1);
        }
        writer.forceMerge(1);
        long _ = writer.commit();
      }
    }
  }

  private boolean isThere(Directory directory) throws IOException {
    if (!DirectoryReader.indexExists(directory)) {
      if (directory.listAll().length > 0) {
        throw new IOException(path + " holds something else than an index; choose another --dir");
      }
      return false;
    }
    try (DirectoryReader reader = DirectoryReader.open(directory)) {
      if (reader.maxDoc() > 0 && reader.storedFields().document(0).getBinaryValue(PAYLOAD) == null) {
        throw new IOException(path + " holds another program's index; choose another --dir");
      }
      return reader.maxDoc() == documents && reader.leaves().size() == 1;
    }
  }

  private static Document document(int n) {
    Random random = new Random(n);
    byte[] payload = new byte[PAYLOAD_BYTES];
    random.nextBytes(payload);
    ByteBuffer.wrap(payload).putInt(n);
    Document document = new Document();
    document.add(new StoredField(PAYLOAD, payload));
    for (int i = 0; i < TERMS_PER_DOCUMENT; i++) {
      document.add(new StringField(TERM, term(random.nextInt(TERMS)), Field.Store.NO));
    }
    return document;
  }

  static String term(int number) {
    return "term" + number;
  }

  /** Whether it is the document of that number. */
  static void check(Document document, int number) {
    BytesRef payload = document.getBinaryValue(PAYLOAD);
    int found = ByteBuffer.wrap(payload.bytes, payload.offset, payload.length).getInt();
    if (found != number || payload.length != PAYLOAD_BYTES) {
      throw new UncheckedIOException(new IOException("document " + number + " came back as " + found));
    }
  }

  /**
   * Document numbers in random order, far apart from each other: no two in one piece of the file that is read and decompressed as a whole,
   * as long as not all have been taken.
   *
   * @param apart how far, in documents
   */
  int[] scattered(int apart, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int[] numbers = new int[documents / apart];
    for (int i = 0; i < numbers.length; i++) {
      int other = random.nextInt(i + 1);
      numbers[i] = numbers[other];
      numbers[other] = i * apart + random.nextInt(Math.max(1, apart / 8));
    }
    return numbers;
  }
}
