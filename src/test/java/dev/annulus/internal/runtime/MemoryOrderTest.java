package dev.annulus.internal.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeElement;
import java.lang.classfile.FieldModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.ArrayLoadInstruction;
import java.lang.classfile.instruction.ArrayStoreInstruction;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.reflect.AccessFlag;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The order of memory accesses between threads, and between a thread and the kernel, read from the
 * compiled classes. No test that runs the code proves it: on most processors a plain access or a
 * missing fence goes well for years. Whoever changes one of these lines has to know why it holds.
 *
 * <p>Listed are for each method, in their order: accesses of volatile fields ({@code get}, {@code
 * put}), calls of atomics and of {@code VarHandle}s, fences, and whether it is synchronized. Of a method with a fence also what
 * the fence may have to stand between: stores, loads of arrays, and calls of the library's own.
 */
class MemoryOrderTest {
  static List<Arguments> classes() {
    return List.of(
        Arguments.of(
            "runtime/SleepFlag",
            """
            endSleepForRequest: submittersFence, getOpaque, end()
            endSleep: submittersFence, getOpaque, end()
            end: compareAndSet
            resume: compareAndSet
            isAsleep: getOpaque
            isAsleepAtAll: getOpaque
            lieDown: setOpaque, sleepersFence
            rise: getAndSet
            submittersFence: fullFence
            sleepersFence: fullFence
            """),
        Arguments.of(
            "runtime/Wakeup",
            """
            requestQueued: get unwritten, put unwritten, put unwritten
            urgent: get unwritten, put unwritten, put unwritten
            resume: put unwritten, incrementAndGet, put unwritten
            isOwed: get
            """),
        Arguments.of(
            "runtime/Intake",
            """
            putCancellation: put unnamedCancellations
            putOwn: get ended, isClosing(), putUrgent(), fullFence, afterPutOwn()
            beginClose: compareAndExchange
            isClosing: get
            closing: get
            giveUp: put givenUp, fullFence
            givenUpBecause: get givenUp
            hasCancellation: get unnamedCancellations
            hasUnnamedCancellations: get unnamedCancellations
            unnamedCancellations: put unnamedCancellations
            end: put ended, fullFence, afterPut()
            afterPut: get ended, get givenUp
            takeForRefusal: synchronized
            """),
        Arguments.of(
            "runtime/BoundedQueue",
            """
            offer: releaseFence, getOpaque, getOpaque, isFull(), compareAndSet, plain store
            isFull: getAcquire, setOpaque
            poll: setRelease, getAcquire
            isEmpty: getAcquire
            forEach: getAcquire
            """),
        Arguments.of(
            "runtime/InFlightTable",
            """
            size: getOpaque
            claim: plain store, storeStoreFence, plain load, plain put firstFree, plain store, \
            plain store, plain store, plain store, plain put size
            forEachSince: plain load, loadLoadFence, hasEnded(), plain load
            """),
        Arguments.of(
            "runtime/RegisteredMemory",
            """
            want: put wanted
            bytes: get bytes
            registerIfWanted: get wanted, put wanted, put bytes
            """),
        Arguments.of(
            "runtime/Counters",
            """
            add: getPlain, lazySet
            tellBatch: get batchListener
            """),
        Arguments.of(
            "runtime/Workers$Task",
            """
            begin: compareAndSet
            step: put begunAt, put begun, incrementAndGet, decrementAndGet
            """),
        Arguments.of(
            "runtime/ReaperThread",
            """
            start: put thread
            isCurrentThread: get thread
            join: get thread
            """),
        Arguments.of(
            "driver/Admission",
            """
            enter: get owed, get closedBecause
            tryEnter: get closedBecause, get closedBecause
            closedBecause: get closedBecause
            leave: get owed
            settle: getAndSet, get owed, put owed
            close: compareAndSet
            """),
        Arguments.of(
            "driver/BriefLock",
            """
            tryLock: get held, compareAndSet
            unlock: put held
            """),
        Arguments.of(
            "driver/RequestStack",
            """
            put: get top, compareAndSet
            turnRound: get top, getAndSet
            isEmpty: get top
            forEach: get top
            """),
        Arguments.of(
            "driver/Whereabouts",
            """
            begin: put thread
            thread: get thread
            intoUsersCode: setRelease, get watched
            recorded: get watchedForRecorder
            intoKernel: setRelease
            back: setOpaque, storeStoreFence
            stackTaken: get taken
            sequence: getAcquire
            isStill: acquireFence, getOpaque
            """),
        Arguments.of(
            "ring/SubmissionQueue",
            """
            unconsumed: getAcquire
            publish: setRelease
            completionsOverflowed: getOpaque
            """),
        Arguments.of(
            "ring/CompletionQueue",
            """
            ready: getAcquire
            advance: setRelease
            lost: getOpaque
            """),
        Arguments.of(
            "abi/Scratch",
            """
            borrow: getAndSet
            giveBack: setRelease
            """));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("classes")
  void accesses_ofMethodsThatThreadsShare_areOrdered(String name, String expected) throws IOException {
    assertEquals(expected, accessesOf(name));
  }

  private static String accessesOf(String name) throws IOException {
    ClassModel model = parse(name);
    Set<String> volatiles =
        model.fields().stream()
            .filter(field -> field.flags().has(AccessFlag.VOLATILE))
            .map(FieldModel::fieldName)
            .map(Object::toString)
            .collect(Collectors.toSet());
    StringBuilder text = new StringBuilder();
    for (MethodModel method : model.methods()) {
      String called = method.methodName().stringValue();
      List<String> accesses = called.startsWith("<") ? List.of() : accessesOf(model, method, volatiles);
      if (!accesses.isEmpty()) {
        text.append(called).append(": ").append(String.join(", ", accesses)).append('\n');
      }
    }
    return text.toString();
  }

  private static List<String> accessesOf(ClassModel model, MethodModel method, Set<String> volatiles) {
    List<CodeElement> code =
        method.code().stream().flatMap(body -> body.elementList().stream()).toList();
    boolean fenced = code.stream().anyMatch(MemoryOrderTest::isFence);
    List<String> accesses = new ArrayList<>();
    if (method.flags().has(AccessFlag.SYNCHRONIZED)) {
      accesses.add("synchronized");
    }
    for (CodeElement element : code) {
      switch (element) {
        case FieldInstruction field when volatiles.contains(field.name().stringValue()) ->
            accesses.add((isStore(field) ? "put " : "get ") + field.name());
        case FieldInstruction field when fenced && isStore(field) -> accesses.add("plain put " + field.name());
        case InvokeInstruction call when isOrdered(call) -> accesses.add(call.name().stringValue());
        case InvokeInstruction call when fenced && isOwn(model, call) -> accesses.add(call.name() + "()");
        case ArrayStoreInstruction _ when fenced -> accesses.add("plain store");
        case ArrayLoadInstruction _ when fenced -> accesses.add("plain load");
        default -> {}
      }
    }
    return accesses;
  }

  private static boolean isStore(FieldInstruction field) {
    return field.opcode().name().startsWith("PUT");
  }

  private static boolean isFence(CodeElement element) {
    return element instanceof InvokeInstruction call
        && (call.name().stringValue().endsWith("Fence") && !call.name().equalsString("reachabilityFence"));
  }

  private static boolean isOrdered(InvokeInstruction call) {
    String owner = call.owner().asInternalName();
    return isFence(call)
        || owner.equals("java/lang/invoke/VarHandle")
        || owner.startsWith("java/util/concurrent/atomic/Atomic");
  }

  private static boolean isOwn(ClassModel model, InvokeInstruction call) {
    return call.owner().asInternalName().equals(model.thisClass().asInternalName());
  }

  private static ClassModel parse(String name) throws IOException {
    String resource = "/dev/annulus/internal/" + name + ".class";
    try (InputStream in = MemoryOrderTest.class.getResourceAsStream(resource)) {
      assertNotNull(in, resource);
      return ClassFile.of().parse(in.readAllBytes());
    }
  }
}
