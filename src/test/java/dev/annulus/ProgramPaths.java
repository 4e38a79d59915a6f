package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.Running.Access;
import dev.annulus.Running.Name;
import dev.annulus.SimulatedMachine.Instance;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The operations of a {@link SimulatedProgram} on paths, and what each may come to. */
final class ProgramPaths {
  private final SimulatedProgram program;
  private final SplittableRandom random;
  private final ProgramNames names;

  ProgramPaths(SimulatedProgram program, ProgramNames names) {
    this.program = program;
    this.random = program.random;
    this.names = names;
  }

  /** One operation of any kind. */
  void any() {
    switch (random.nextInt(12)) {
      case 0, 1 -> createDirectory();
      case 2 -> delete();
      case 3, 4 -> rename();
      case 5 -> link();
      case 6, 7, 8 -> syncDirectory();
      case 9 -> stat();
      case 10 -> list();
      default -> removeTree();
    }
  }

  /** Starts what changes names, and when it is over looks at what it did to them. */
  private @Nullable Running change(
      String what, Function<IoRuntime, CompletableFuture<?>> operation, Running.Check check, String... paths) {
    Name[] changed = new Name[paths.length];
    for (int i = 0; i < paths.length; i++) {
      changed[i] = new Name(paths[i], true);
    }
    Access access = program.clear(() -> Access.naming(changed));
    if (access == null) {
      return null;
    }
    Instance instance = program.machine().any();
    boolean full = instance.queueIsFull(1);
    return program.start(
        what + " " + List.of(paths),
        () -> operation.apply(instance.runtime),
        access,
        full,
        over -> {
          check.check(over);
          for (String path : paths) {
            names.lookBelow(path, over.began);
          }
        });
  }

  private void createDirectory() {
    String path = names.anySubdirectory();
    Running ignored =
        change(
            "mkdir",
            runtime -> runtime.createDirectory(Path.of(path)),
            over -> {
              boolean existed = names.exists(path);
              if (over.succeeded()) {
                assertFalse(existed, "created what was there");
                assertNotNull(program.disk().node(path), "created, and not there");
              } else if (over.failure instanceof FileAlreadyExistsException) {
                assertTrue(existed, "already exists");
              } else {
                program.verdicts.checkFailure(over);
              }
            },
            path);
  }

  private void delete() {
    boolean directory = random.nextInt(3) == 0;
    String path = directory ? names.anySubdirectory() : names.anyFile();
    boolean asFile = !directory && random.nextBoolean();
    Running ignored =
        change(
            "delete",
            runtime -> asFile ? runtime.deleteFile(Path.of(path)) : runtime.delete(Path.of(path)),
            over -> {
              boolean existed = names.exists(path);
              DirectoryModel model = names.directory(path);
              if (over.succeeded()) {
                assertTrue(existed, "deleted what was not there");
                assertEquals(null, program.disk().node(path), "deleted, and there");
              } else if (over.failure instanceof NoSuchFileException) {
                assertFalse(existed, "not found");
              } else if (over.failure instanceof DirectoryNotEmptyException) {
                assertTrue(model != null && !model.names().isEmpty(), "not empty");
              } else {
                program.verdicts.checkFailure(over);
              }
            },
            path);
  }

  private void rename() {
    String source = names.anyFile();
    String target = names.anyFile();
    if (source.equals(target)) {
      return;
    }
    Running ignored =
        change(
            "rename",
            runtime -> runtime.rename(Path.of(source), Path.of(target)),
            over -> {
              FileModel file = names.file(source);
              if (over.succeeded()) {
                assertEquals(Objects.requireNonNull(file, "renamed what was not there").file, program.disk().node(target), "renamed");
              } else if (over.failure instanceof NoSuchFileException) {
                assertTrue(file == null || !names.hasParent(target), "not found");
              } else {
                program.verdicts.checkFailure(over);
              }
            },
            source,
            target);
  }

  private void link() {
    String link = names.anyFile();
    String existing = names.anyFile();
    if (link.equals(existing)) {
      return;
    }
    Running ignored =
        change(
            "link",
            runtime -> runtime.link(Path.of(link), Path.of(existing)),
            over -> {
              FileModel file = names.file(existing);
              boolean taken = names.exists(link);
              if (over.succeeded()) {
                assertFalse(taken, "linked over another");
                assertEquals(Objects.requireNonNull(file, "linked what was not there").file, program.disk().node(link), "linked");
              } else if (over.failure instanceof NoSuchFileException) {
                assertTrue(file == null || !names.hasParent(link), "not found");
              } else if (over.failure instanceof FileAlreadyExistsException) {
                assertTrue(taken, "already exists");
              } else {
                program.verdicts.checkFailure(over);
              }
            },
            link,
            existing);
  }

  private void removeTree() {
    if (program.isInCallback()) {
      return;
    }
    String path = names.anySubdirectory();
    Running ignored =
        change(
            "remove tree",
            runtime -> runtime.removeTree(Path.of(path)),
            over -> {
              boolean existed = names.exists(path);
              if (over.succeeded()) {
                assertTrue(existed, "removed what was not there");
                assertEquals(null, program.disk().node(path), "removed, and there");
              } else if (over.failure instanceof NoSuchFileException) {
                assertFalse(existed, "not found");
              } else {
                program.verdicts.checkFailure(over);
              }
            },
            path);
  }

  private void list() {
    String path = names.anyDirectory();
    Access access = program.isInCallback() ? null : program.clear(() -> Access.naming(new Name(path, false)));
    if (access == null) {
      return;
    }
    Instance instance = program.machine().any();
    boolean full = instance.queueIsFull(1);
    Running ignored =
        program.start(
            "list of " + path,
            () -> instance.runtime.readDirectory(Path.of(path)),
            access,
            full,
            over -> {
              DirectoryModel model = names.directory(path);
              if (over.succeeded()) {
                TreeSet<String> found = new TreeSet<>();
                for (Object entry : (List<?>) Objects.requireNonNull(over.value)) {
                  DirectoryEntry one = (DirectoryEntry) entry;
                  assertTrue(found.add(one.path().getFileName().toString()), "listed twice");
                  assertEquals(names.directory(one.path().toString()) != null, one.isDirectory(), () -> "a directory: " + one);
                }
                assertEquals(Objects.requireNonNull(model, "listed what is not there").names(), found, "names");
              } else if (over.failure instanceof NoSuchFileException) {
                assertEquals(null, model, "not found");
              } else {
                program.verdicts.checkFailure(over);
              }
            });
  }

  private void stat() {
    String path = names.anyFile();
    Access access =
        program.clear(
            () -> {
              FileModel file = names.file(path);
              return (file == null ? Access.NONE : Access.size(file)).and(new Name(path, false));
            });
    if (access == null) {
      return;
    }
    Instance instance = program.machine().any();
    boolean full = instance.queueIsFull(1);
    Running ignored =
        program.start(
            "stat of " + path,
            () -> instance.runtime.stat(Path.of(path)),
            access,
            full,
            over -> {
              FileModel file = names.file(path);
              if (over.succeeded()) {
                assertEquals(
                    Objects.requireNonNull(file, "found what is not there").size(), ((FileStatus) Objects.requireNonNull(over.value)).size(), "size");
              } else if (over.failure instanceof NoSuchFileException) {
                assertEquals(null, file, "not found");
              } else {
                program.verdicts.checkFailure(over);
              }
            });
  }

  private void syncDirectory() {
    String path = names.anyDirectory();
    // The directory must stay the one it is; names in it may change.
    Name itself = new Name(path + "/.", false);
    Access access = program.clear(() -> Access.naming(itself));
    if (access == null) {
      return;
    }
    DirectoryModel model = names.directory(path);
    Instance instance = program.machine().any();
    Losses.Event event = model == null ? null : model.losses.begin(program.now());
    boolean lost = model != null && model.lossTold[instance.number];
    boolean full = instance.queueIsFull(1);
    Running ignored =
        program.start(
            "sync of directory " + path,
            () -> instance.runtime.syncDirectory(Path.of(path)),
            access,
            full,
            over -> checkSync(over, model, event, lost, instance.number));
  }

  private void checkSync(
      Running over, @Nullable DirectoryModel model, Losses.@Nullable Event event, boolean lost, int instance) {
    if (over.failure instanceof NoSuchFileException && !over.givenUp) {
      // It may have been removed meanwhile, or made.
      return;
    }
    if (!over.succeeded()) {
      program.verdicts.checkFailure(over);
      if (model != null && event != null) {
        ErrnoException kernel = ProgramVerdicts.kernelError(over.failure);
        model.losses.failed(event, program.now());
        model.lossTold[instance] |= !over.givenUp && kernel != null && kernel.operation().endsWith("sync");
      }
    } else if (model != null && event != null) {
      assertFalse(lost, "directory synced after a sync that lost names");
      model.losses.harmless(event);
      model.synced(over.began, program.now());
    }
  }
}
