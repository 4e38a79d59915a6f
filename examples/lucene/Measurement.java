package lucene;

import dev.annulus.IoRuntime;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.HdrHistogram.Histogram;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.StoredFields;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.ConstantScoreQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.Directory;

/** Threads that search one index through one directory for a while, and how long each page took them. */
final class Measurement {
  /** Documents that are compressed together are less than 100. */
  private static final int APART = 100;

  private static final long HIGHEST_NANOS = 100_000_000_000L;

  private final Corpus corpus;
  private final IoRuntime runtime;
  private final int hits;
  private final int threads;
  private final Load load;
  private final Temperature temperature;
  private final long limitNanos;

  /**
   * @param hits how many documents a page has
   * @param limitNanos how long it takes; at most, if it is cold
   */
  Measurement(Corpus corpus, IoRuntime runtime, int hits, int threads, Load load, Temperature temperature, long limitNanos) {
    this.corpus = corpus;
    this.runtime = runtime;
    this.hits = hits;
    this.threads = threads;
    this.load = load;
    this.temperature = temperature;
    this.limitNanos = limitNanos;
  }

  /**
   * What one run brought.
   *
   * @param pagesPerSecond of all threads together
   * @param nanos how long each page took
   */
  record Outcome(double pagesPerSecond, Histogram nanos) {}

  Outcome run(Rival rival, long seed) throws IOException, InterruptedException {
    if (temperature == Temperature.COLD) {
      PageCache.forget(corpus.path());
    } else {
      PageCache.fill(corpus.path());
    }
    try (Directory directory = rival.open(corpus.path(), runtime);
        DirectoryReader reader = DirectoryReader.open(directory);
        ExecutorService workers = Executors.newFixedThreadPool(threads)) {
      IndexSearcher searcher = new IndexSearcher(reader);
      searcher.setQueryCache(null);
      int[] numbers = corpus.scattered(APART, seed);
      AtomicInteger taken = new AtomicInteger();
      long start = System.nanoTime();
      List<Future<Histogram>> parts = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        SplittableRandom random = new SplittableRandom(seed + i);
        parts.add(workers.submit(() -> pages(searcher, random, numbers, taken, start)));
      }
      Histogram nanos = new Histogram(HIGHEST_NANOS, 3);
      for (Future<Histogram> part : parts) {
        nanos.add(get(part));
      }
      return new Outcome(nanos.getTotalCount() / ((System.nanoTime() - start) / 1e9), nanos);
    }
  }

  private static Histogram get(Future<Histogram> part) throws IOException, InterruptedException {
    try {
      return part.get();
    } catch (ExecutionException e) {
      throw switch (e.getCause()) {
        case IOException io -> io;
        case UncheckedIOException unchecked -> unchecked.getCause();
        case null, default -> new IOException(String.valueOf(e.getCause()), e);
      };
    }
  }

  private Histogram pages(IndexSearcher searcher, SplittableRandom random, int[] numbers, AtomicInteger taken, long start)
      throws IOException {
    Histogram nanos = new Histogram(HIGHEST_NANOS, 3);
    StoredFields stored = searcher.storedFields();
    long before = start;
    do {
      int first = taken.getAndAdd(hits);
      if (temperature == Temperature.COLD && first + hits > numbers.length) {
        break; // From here on everything has been read before.
      }
      int[] page = load == Load.FETCH ? next(numbers, first) : search(searcher, random);
      fetch(stored, page);
      long now = System.nanoTime();
      nanos.recordValue(now - before);
      before = now;
    } while (before - start < limitNanos);
    return nanos;
  }

  private int[] next(int[] numbers, int first) {
    int[] page = new int[hits];
    for (int i = 0; i < hits; i++) {
      page[i] = numbers[Math.floorMod(first + i, numbers.length)];
    }
    return page;
  }

  /** Of the documents of a term, which all score the same, those that come next after some document. */
  private int[] search(IndexSearcher searcher, SplittableRandom random) throws IOException {
    Query query = new ConstantScoreQuery(new TermQuery(new Term(Corpus.TERM, Corpus.term(random.nextInt(Corpus.TERMS)))));
    ScoreDoc[] best = searcher.searchAfter(new ScoreDoc(random.nextInt(corpus.documents()), 1), query, hits).scoreDocs;
    int[] page = new int[best.length];
    for (int i = 0; i < best.length; i++) {
      page[i] = best[i].doc;
    }
    return page;
  }

  private static void fetch(StoredFields stored, int[] page) throws IOException {
    for (int number : page) {
      stored.prefetch(number);
    }
    for (int number : page) {
      Corpus.check(stored.document(number), number);
    }
  }
}
