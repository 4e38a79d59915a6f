package dev.annulus.internal.runtime;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.openjdk.jcstress.JCStress;
import org.openjdk.jcstress.Options;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.infra.collectors.DiskReadCollector;
import org.openjdk.jcstress.infra.collectors.InProcessCollector;
import org.openjdk.jcstress.infra.collectors.TestResult;
import org.openjdk.jcstress.infra.grading.GradingResult;
import org.openjdk.jcstress.infra.grading.ReportUtils;
import org.openjdk.jcstress.infra.runners.TestList;

/**
 * Runs the concurrency tests and judges the whole: a sound variant must never show a forbidden outcome, and a broken one, which is named
 * so, must have shown its bad outcome at least once. A test that cannot see the fault it is there for proves nothing.
 */
public final class StressRun {
  private static final Pattern BROKEN = Pattern.compile("\\.Broken[^.]*$");

  private StressRun() {}

  /** Takes the arguments of {@code org.openjdk.jcstress.Main}; ends with 1 if anything is not as it must be. */
  public static void main(String[] args) throws Exception {
    Options options = new Options(args);
    if (!options.parse()) {
      System.exit(1);
    }
    new JCStress(options).run();
    List<String> complaints = judge(options);
    complaints.forEach(System.err::println);
    System.out.println(complaints.isEmpty() ? "every test is as it must be" : complaints.size() + " complaints");
    System.out.println("report: " + Path.of(options.getResultDest()).resolve("index.html").toAbsolutePath().normalize());
    System.exit(complaints.isEmpty() ? 0 : 1);
  }

  private static List<String> judge(Options options) throws IOException, ClassNotFoundException {
    InProcessCollector collector = new InProcessCollector();
    DiskReadCollector reader = new DiskReadCollector(options.getResultFile(), collector);
    reader.dump();
    reader.close();

    List<String> complaints = new ArrayList<>();
    Set<String> missing = new TreeSet<>(chosen(options));
    System.out.println();
    for (TestResult result : ReportUtils.mergedByName(collector.getTestResults())) {
      missing.remove(result.getName());
      judge(result, complaints);
    }
    missing.forEach(name -> complaints.add(name + ": did not run"));
    if (collector.getTestResults().isEmpty()) {
      complaints.add("no test ran");
    }
    return complaints;
  }

  private static List<String> chosen(Options options) {
    Pattern filter = Pattern.compile(options.getTestFilter());
    return TestList.tests().stream().filter(name -> filter.matcher(name).find()).toList();
  }

  private static void judge(TestResult result, List<String> complaints) {
    String name = result.getName();
    boolean broken = BROKEN.matcher(name).find();
    long bad = count(result, broken ? Expect.ACCEPTABLE_INTERESTING : Expect.FORBIDDEN);
    System.out.printf(
        "%-40s %,14d runs, %,12d %s%n",
        name.substring(name.lastIndexOf("runtime.") + "runtime.".length()),
        result.getTotalCount(),
        bad,
        broken ? "times the fault it is built with" : "times what must not be");
    if (!ReportUtils.statusToPassed(result) || !result.grading().isPassed) {
      complaints.add(name + ": " + result.status() + " " + result.grading().failureMessages + " " + result.getMessages());
    } else if (broken && bad == 0) {
      complaints.add(name + ": the fault it is built with did not show; run it for longer (-time, -iters), or it proves nothing");
    } else if (result.getTotalCount() == 0) {
      complaints.add(name + ": no samples");
    }
  }

  private static long count(TestResult result, Expect what) {
    return result.grading().gradingResults.values().stream()
        .filter(outcome -> outcome.expect == what)
        .mapToLong((GradingResult outcome) -> outcome.count)
        .sum();
  }
}
