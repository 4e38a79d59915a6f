package dev.annulus.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.annulus.testing.ChildJvm;
import dev.annulus.testing.Needs;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * What depends on the process: its user, umask, limits and mounts. Each test runs a scenario of {@link FsChild} in a JVM of its
 * own that has been given these.
 */
interface FsSystemContract extends FsFixture {
  long PATIENCE_SECONDS = 40;

  @Test
  @DisplayName("O1 D1 files are made with 0666 and directories with 0777, less the umask, as java.nio does")
  default void create_underThisUmask_givesWhatTheJdkGives() throws Exception {
    fs().open(path("f"), FsOpenOptions.updating()).close();
    fs().createDirectory(path("d"));
    fs().createDirectories(path("a").resolve("b"));
    Set<PosixFilePermission> file = Files.getPosixFilePermissions(Files.createFile(path("f2")));
    Set<PosixFilePermission> directory = Files.getPosixFilePermissions(Files.createDirectory(path("d2")));
    assertEquals(file, Files.getPosixFilePermissions(path("f")));
    assertEquals(directory, Files.getPosixFilePermissions(path("d")));
    assertEquals(directory, Files.getPosixFilePermissions(path("a")));
    assertEquals(directory, Files.getPosixFilePermissions(path("a").resolve("b")));
  }

  @Test
  @DisplayName("O1 D1 another umask applies")
  default void create_underOtherUmask_obeysIt() throws Exception {
    List<String> told = run(List.of("sh", "-c", "umask 0007; exec \"$@\"", "sh"), "umask");
    assertEquals(List.of("file rw-rw----", "directory rwxrwx---"), told);
  }

  @Test
  @DisplayName("O1 E1 what the user may not do is PERMISSION_DENIED")
  default void calls_withoutPermission_failAsPermissionDenied() throws Exception {
    Needs.root();
    Files.setPosixFilePermissions(dir(), PosixFilePermissions.fromString("rwxr-xr-x"));
    Path locked = Files.createDirectory(path("locked"));
    Files.writeString(locked.resolve("f"), "inside");
    Files.setPosixFilePermissions(locked, PosixFilePermissions.fromString("rwx------"));
    Files.setPosixFilePermissions(fileOf("secret", "secret"), PosixFilePermissions.fromString("rw-------"));
    Files.setPosixFilePermissions(fileOf("public", "public"), PosixFilePermissions.fromString("rw-r--r--"));
    ChildJvm child = ChildJvm.ofNobody(path("classes"), FsChild.class, arguments("permissions"));
    String denied = "PERMISSION_DENIED AccessDeniedException EACCES";
    assertEquals(
        List.of(
            "open for reading " + denied,
            "open for writing " + denied,
            "open for creating " + denied,
            "open inside " + denied,
            "metadata inside " + denied,
            "exists inside " + denied,
            "readDirectory " + denied,
            "syncDirectory " + denied,
            "createDirectory " + denied,
            "createDirectories " + denied,
            "removeFile " + denied,
            "removeDirectoryAll " + denied,
            "rename " + denied,
            "hardLink " + denied,
            "public public"),
        child.run(PATIENCE_SECONDS).lines());
    assertTrue(Files.exists(locked.resolve("f")));
  }

  @Test
  @DisplayName("E1 full devices, read-only file systems and descriptor limits have their kinds")
  default void calls_beyondLimits_failWithTheirKinds() throws Exception {
    Needs.mounts();
    Needs.tool("prlimit");
    Files.createDirectory(path("small"));
    Files.createDirectory(path("readonly"));
    String mounts =
        "mount -t tmpfs -o size=256k none \"$0/small\" && mount -t tmpfs -o ro none \"$0/readonly\" && exec \"$@\"";
    List<String> wrapper =
        List.of("prlimit", "--nofile=160:160", "unshare", "-m", "sh", "-c", mounts, dir().toString());
    assertEquals(
        List.of(
            "writeAt NO_SPACE ENOSPC",
            "allocated before it failed true",
            "create READ_ONLY_FILE_SYSTEM FileSystemException EROFS",
            "createDirectory READ_ONLY_FILE_SYSTEM FileSystemException EROFS",
            "too many TOO_MANY_OPEN_FILES FileSystemException EMFILE",
            "opened again true"),
        run(wrapper, "limits"));
  }

  @Test
  @DisplayName("F9 D3 a failed sync stays failed until the file is opened again; DT_UNKNOWN is resolved")
  default void sync_afterFailedSync_failsUntilOpenedAgain() throws Exception {
    Needs.mounts();
    Needs.tool("mkfs.ext4");
    Files.createDirectory(path("backing"));
    Files.createDirectory(path("disk"));
    // A disk that promises more than there is behind it, with a file system that does not keep types in its directories.
    String mounts =
        "PATH=$PATH:/usr/sbin:/sbin"
            + " && mount -t tmpfs -o size=3m none \"$0/backing\""
            + " && truncate -s 32M \"$0/backing/image\""
            + " && mkfs.ext4 -q -F -N 32 -O ^has_journal,^filetype,^metadata_csum \"$0/backing/image\""
            + " && mount -o loop \"$0/backing/image\" \"$0/disk\""
            + " && exec \"$@\"";
    assertEquals(
        List.of(
            "directory true",
            "file false",
            "link false",
            "lost+found true",
            "removed true",
            "written 8388608",
            "syncData failed true",
            "syncData again failed the same true",
            "syncAll failed the same true",
            "other file synced true",
            "opened again and synced true"),
        run(List.of("unshare", "-m", "sh", "-c", mounts, dir().toString()), "sync"));
  }

  private List<String> run(List<String> wrapper, String scenario) throws Exception {
    return ChildJvm.through(wrapper, FsChild.class, arguments(scenario)).run(PATIENCE_SECONDS).lines();
  }

  private String[] arguments(String scenario) {
    return new String[] {scenario, runtime().backend().name(), mode().name(), dir().toString()};
  }
}
