package dev.annulus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.annulus.sim.SimulatedDirectory;
import dev.annulus.sim.SimulatedDisk;
import dev.annulus.sim.SimulatedFile;
import dev.annulus.sim.SimulatedNode;
import dev.annulus.sim.SparseBytes;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a {@link SimulatedProgram} knows of the names on its disk, and of the files and directories they lead to. */
final class ProgramNames {
  private static final List<String> IN_ROOT = List.of("a", "b", "c");
  private static final List<String> DIRECTORIES = List.of("d", "e");
  private static final List<String> IN_DIRECTORY = List.of("x", "y");

  private final SimulatedProgram program;
  private final SplittableRandom random;
  private final Map<String, DirectoryModel> directories = new TreeMap<>();

  /** All files there ever were since the start of the machine, also without a name. */
  private IdentityHashMap<SimulatedNode, FileModel> files = new IdentityHashMap<>();

  /** The same, in an order that is the same in each run. */
  private List<FileModel> inOrder = new ArrayList<>();

  ProgramNames(SimulatedProgram program) {
    this.program = program;
    this.random = program.random;
    addDirectory(program.disk().mount(), program.disk().root());
  }

  private void addDirectory(String path, SimulatedDirectory directory) {
    directories.put(path, new DirectoryModel(path, directory));
  }

  // ---- paths ----

  String root() {
    return program.disk().mount();
  }

  /** A path that only files have. */
  String anyFile() {
    if (random.nextInt(3) != 0) {
      return root() + "/" + IN_ROOT.get(random.nextInt(random.nextInt(3) == 0 ? 3 : 2));
    }
    return anySubdirectory() + "/" + IN_DIRECTORY.get(random.nextInt(IN_DIRECTORY.size()));
  }

  /** A path that only directories have, and not the root. */
  String anySubdirectory() {
    return root() + "/" + DIRECTORIES.get(random.nextInt(DIRECTORIES.size()));
  }

  String anyDirectory() {
    return random.nextInt(3) == 0 ? anySubdirectory() : root();
  }

  private static String parent(String path) {
    return path.substring(0, path.lastIndexOf('/'));
  }

  private static String leaf(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  // ---- what is where ----

  @Nullable DirectoryModel directory(String path) {
    return directories.get(path);
  }

  boolean hasParent(String path) {
    return directories.containsKey(parent(path));
  }

  private @Nullable SimulatedNode get(String path) {
    DirectoryModel parent = directories.get(parent(path));
    return parent == null ? null : parent.get(leaf(path));
  }

  /** The file with a name, or {@code null}. */
  @Nullable FileModel file(String path) {
    SimulatedNode node = get(path);
    return node == null ? null : files.get(node);
  }

  boolean exists(String path) {
    return get(path) != null;
  }

  /** An operation that may have changed a name is over: looks whether it did. */
  void lookAt(String path, long began) {
    synchronized (program.disk()) {
      SimulatedNode found = program.disk().node(path);
      DirectoryModel parent = directories.get(parent(path));
      if (parent != null && parent.get(leaf(path)) != found) {
        lead(parent, path, found, began);
      }
    }
  }

  private void lead(DirectoryModel parent, String path, @Nullable SimulatedNode found, long began) {
    parent.changed(leaf(path), found, began, program.now());
    switch (found) {
      case SimulatedFile file -> know(path, file);
      case SimulatedDirectory directory -> addDirectory(path, directory);
      case null -> {
        DirectoryModel ignored = directories.remove(path);
      }
    }
  }

  private void know(String path, SimulatedFile file) {
    if (!files.containsKey(file)) {
      FileModel model = new FileModel(path, file);
      files.put(file, model);
      inOrder.add(model);
    }
  }

  /** As {@link #lookAt}, for a directory and everything in it. */
  void lookBelow(String path, long began) {
    DirectoryModel directory = directories.get(path);
    if (directory != null) {
      for (String name : directory.names()) {
        lookAt(path + "/" + name, began);
      }
    }
    lookAt(path, began);
  }

  // ---- crashes, and checks of everything ----

  void checkCrash(SplittableRandom random) {
    for (FileModel file : inOrder) {
      file.checkAfterCrash(file.file.afterWorstCrash());
      SparseBytes image = file.file.afterCrash(random);
      file.checkAfterCrash(image);
    }
    for (DirectoryModel directory : directories.values()) {
      directory.checkAfterCrash(directory.directory.afterCrash(null), program::mayBeChanging, node -> node);
      directory.checkAfterCrash(directory.directory.afterCrash(random), program::mayBeChanging, node -> node);
    }
  }

  /** With nothing in flight. */
  void checkAll() {
    for (FileModel file : inOrder) {
      file.checkAll();
    }
    for (DirectoryModel directory : directories.values()) {
      assertEquals(directory.names(), directory.directory.names().keySet(), () -> "names in " + directory.path);
    }
  }

  /** The machine comes up again: what is on its disk now must be what had to survive, and counts as durable. */
  void rebooted(SimulatedDisk left, Map<SimulatedNode, SimulatedNode> successors) {
    for (DirectoryModel directory : directories.values()) {
      if (successors.get(directory.directory) instanceof SimulatedDirectory successor) {
        directory.checkAfterCrash(
            successor.names(), program::mayBeChanging, node -> node == null ? null : successors.get(node));
      }
    }
    IdentityHashMap<SimulatedNode, FileModel> survivors = new IdentityHashMap<>();
    List<FileModel> survivorsInOrder = new ArrayList<>();
    for (FileModel file : inOrder) {
      if (successors.get(file.file) instanceof SimulatedFile successor) {
        file.rebooted(successor);
        survivors.put(successor, file);
        survivorsInOrder.add(file);
      }
    }
    files = survivors;
    inOrder = survivorsInOrder;
    directories.clear();
    discover(left.mount(), left.root());
  }

  private void discover(String path, SimulatedDirectory directory) {
    addDirectory(path, directory);
    directory
        .names()
        .forEach(
            (name, node) -> {
              if (node instanceof SimulatedDirectory child) {
                discover(path + "/" + name, child);
              }
            });
  }
}
