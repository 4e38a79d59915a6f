package dev.annulus;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Threshold;
import org.jspecify.annotations.Nullable;

/** The flight recorder's event of an operation. Only to be touched where there is a flight recorder. */
@Name("dev.annulus.Operation")
@Label("File Operation")
@Description("An operation on a file or a path, from the call that began it to the moment before its future completes")
@Category({"Annulus"})
@Threshold("20 ms")
@StackTrace(false) // it is committed where operations end, which is always the same place
final class OperationEvent extends Event {
  private static final OperationEvent PROBE = new OperationEvent();

  @Label("Operation")
  @Description("The kernel's name of what was done")
  String operation = "";

  @Label("Path")
  @Description("The path of the file or directory")
  String path = "";

  @Label("Position")
  @Description("Where in the file, in bytes; -1 where that has no meaning, as for an append")
  long position;

  @Label("Length")
  @Description("How much was to be transferred or reserved; 0 where that has no meaning")
  @DataAmount
  long length;

  @Label("Result")
  @Description("What the kernel answered: for transfers the bytes, a negated error number for failures")
  long result;

  @Label("Error")
  @Description("The symbol of the error number; empty if there was none")
  String errno = "";

  @Label("Outcome")
  @Description("completed, failed, cancelled, refused or abandoned")
  String outcome = "";

  @Label("Inline")
  @Description("Whether the data was found in the page cache by the thread that asked")
  boolean inline;

  @Label("Caller Runs")
  @Description("Whether the thread that asked carried the operation out by a plain system call")
  boolean callerRuns;

  @Label("Submitter")
  @Description("The thread that asked for it, or the one that went on with it after a first step")
  @Nullable Thread submitter;

  /** Whether a recording wants such events; makes nothing. */
  static boolean wanted() {
    return PROBE.isEnabled();
  }
}
