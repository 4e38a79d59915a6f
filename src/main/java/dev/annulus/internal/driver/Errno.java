package dev.annulus.internal.driver;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/**
 * The error numbers of the seam: Linux's, the same on every architecture this library knows (asm-generic/errno.h), and used as
 * they are by drivers on other systems too.
 */
public final class Errno {
  public static final int EPERM = 1;
  public static final int ENOENT = 2;
  public static final int EINTR = 4;
  public static final int EIO = 5;
  public static final int EBADF = 9;
  public static final int EAGAIN = 11;
  public static final int ENOMEM = 12;
  public static final int EACCES = 13;
  public static final int EFAULT = 14;
  public static final int EBUSY = 16;
  public static final int EEXIST = 17;
  public static final int EXDEV = 18;
  public static final int ENOTDIR = 20;
  public static final int EISDIR = 21;
  public static final int EINVAL = 22;
  public static final int ENFILE = 23;
  public static final int EMFILE = 24;
  public static final int ETXTBSY = 26;
  public static final int EFBIG = 27;
  public static final int ENOSPC = 28;
  public static final int ESPIPE = 29;
  public static final int EROFS = 30;
  public static final int EMLINK = 31;
  public static final int ENAMETOOLONG = 36;
  public static final int ENOSYS = 38;
  public static final int ENOTEMPTY = 39;
  public static final int ELOOP = 40;
  public static final int EBADR = 53;
  public static final int ETIME = 62;
  public static final int EILSEQ = 84;
  public static final int EOPNOTSUPP = 95;
  public static final int ETIMEDOUT = 110;
  public static final int EALREADY = 114;
  public static final int EDQUOT = 122;
  public static final int ECANCELED = 125;

  /** Number, symbol and the text of {@code strerror(3)} in the C locale. */
  private record Entry(int number, String symbol, String text) {}

  private static final Entry[] ENTRIES = {
    new Entry(1, "EPERM", "Operation not permitted"),
    new Entry(2, "ENOENT", "No such file or directory"),
    new Entry(3, "ESRCH", "No such process"),
    new Entry(4, "EINTR", "Interrupted system call"),
    new Entry(5, "EIO", "Input/output error"),
    new Entry(6, "ENXIO", "No such device or address"),
    new Entry(7, "E2BIG", "Argument list too long"),
    new Entry(8, "ENOEXEC", "Exec format error"),
    new Entry(9, "EBADF", "Bad file descriptor"),
    new Entry(10, "ECHILD", "No child processes"),
    new Entry(11, "EAGAIN", "Resource temporarily unavailable"),
    new Entry(12, "ENOMEM", "Cannot allocate memory"),
    new Entry(13, "EACCES", "Permission denied"),
    new Entry(14, "EFAULT", "Bad address"),
    new Entry(15, "ENOTBLK", "Block device required"),
    new Entry(16, "EBUSY", "Device or resource busy"),
    new Entry(17, "EEXIST", "File exists"),
    new Entry(18, "EXDEV", "Invalid cross-device link"),
    new Entry(19, "ENODEV", "No such device"),
    new Entry(20, "ENOTDIR", "Not a directory"),
    new Entry(21, "EISDIR", "Is a directory"),
    new Entry(22, "EINVAL", "Invalid argument"),
    new Entry(23, "ENFILE", "Too many open files in system"),
    new Entry(24, "EMFILE", "Too many open files"),
    new Entry(25, "ENOTTY", "Inappropriate ioctl for device"),
    new Entry(26, "ETXTBSY", "Text file busy"),
    new Entry(27, "EFBIG", "File too large"),
    new Entry(28, "ENOSPC", "No space left on device"),
    new Entry(29, "ESPIPE", "Illegal seek"),
    new Entry(30, "EROFS", "Read-only file system"),
    new Entry(31, "EMLINK", "Too many links"),
    new Entry(32, "EPIPE", "Broken pipe"),
    new Entry(33, "EDOM", "Numerical argument out of domain"),
    new Entry(34, "ERANGE", "Numerical result out of range"),
    new Entry(35, "EDEADLK", "Resource deadlock avoided"),
    new Entry(36, "ENAMETOOLONG", "File name too long"),
    new Entry(37, "ENOLCK", "No locks available"),
    new Entry(38, "ENOSYS", "Function not implemented"),
    new Entry(39, "ENOTEMPTY", "Directory not empty"),
    new Entry(40, "ELOOP", "Too many levels of symbolic links"),
    new Entry(42, "ENOMSG", "No message of desired type"),
    new Entry(43, "EIDRM", "Identifier removed"),
    new Entry(44, "ECHRNG", "Channel number out of range"),
    new Entry(45, "EL2NSYNC", "Level 2 not synchronized"),
    new Entry(46, "EL3HLT", "Level 3 halted"),
    new Entry(47, "EL3RST", "Level 3 reset"),
    new Entry(48, "ELNRNG", "Link number out of range"),
    new Entry(49, "EUNATCH", "Protocol driver not attached"),
    new Entry(50, "ENOCSI", "No CSI structure available"),
    new Entry(51, "EL2HLT", "Level 2 halted"),
    new Entry(52, "EBADE", "Invalid exchange"),
    new Entry(53, "EBADR", "Invalid request descriptor"),
    new Entry(54, "EXFULL", "Exchange full"),
    new Entry(55, "ENOANO", "No anode"),
    new Entry(56, "EBADRQC", "Invalid request code"),
    new Entry(57, "EBADSLT", "Invalid slot"),
    new Entry(59, "EBFONT", "Bad font file format"),
    new Entry(60, "ENOSTR", "Device not a stream"),
    new Entry(61, "ENODATA", "No data available"),
    new Entry(62, "ETIME", "Timer expired"),
    new Entry(63, "ENOSR", "Out of streams resources"),
    new Entry(64, "ENONET", "Machine is not on the network"),
    new Entry(65, "ENOPKG", "Package not installed"),
    new Entry(66, "EREMOTE", "Object is remote"),
    new Entry(67, "ENOLINK", "Link has been severed"),
    new Entry(68, "EADV", "Advertise error"),
    new Entry(69, "ESRMNT", "Srmount error"),
    new Entry(70, "ECOMM", "Communication error on send"),
    new Entry(71, "EPROTO", "Protocol error"),
    new Entry(72, "EMULTIHOP", "Multihop attempted"),
    new Entry(73, "EDOTDOT", "RFS specific error"),
    new Entry(74, "EBADMSG", "Bad message"),
    new Entry(75, "EOVERFLOW", "Value too large for defined data type"),
    new Entry(76, "ENOTUNIQ", "Name not unique on network"),
    new Entry(77, "EBADFD", "File descriptor in bad state"),
    new Entry(78, "EREMCHG", "Remote address changed"),
    new Entry(79, "ELIBACC", "Can not access a needed shared library"),
    new Entry(80, "ELIBBAD", "Accessing a corrupted shared library"),
    new Entry(81, "ELIBSCN", ".lib section in a.out corrupted"),
    new Entry(82, "ELIBMAX", "Attempting to link in too many shared libraries"),
    new Entry(83, "ELIBEXEC", "Cannot exec a shared library directly"),
    new Entry(84, "EILSEQ", "Invalid or incomplete multibyte or wide character"),
    new Entry(85, "ERESTART", "Interrupted system call should be restarted"),
    new Entry(86, "ESTRPIPE", "Streams pipe error"),
    new Entry(87, "EUSERS", "Too many users"),
    new Entry(88, "ENOTSOCK", "Socket operation on non-socket"),
    new Entry(89, "EDESTADDRREQ", "Destination address required"),
    new Entry(90, "EMSGSIZE", "Message too long"),
    new Entry(91, "EPROTOTYPE", "Protocol wrong type for socket"),
    new Entry(92, "ENOPROTOOPT", "Protocol not available"),
    new Entry(93, "EPROTONOSUPPORT", "Protocol not supported"),
    new Entry(94, "ESOCKTNOSUPPORT", "Socket type not supported"),
    new Entry(95, "EOPNOTSUPP", "Operation not supported"),
    new Entry(96, "EPFNOSUPPORT", "Protocol family not supported"),
    new Entry(97, "EAFNOSUPPORT", "Address family not supported by protocol"),
    new Entry(98, "EADDRINUSE", "Address already in use"),
    new Entry(99, "EADDRNOTAVAIL", "Cannot assign requested address"),
    new Entry(100, "ENETDOWN", "Network is down"),
    new Entry(101, "ENETUNREACH", "Network is unreachable"),
    new Entry(102, "ENETRESET", "Network dropped connection on reset"),
    new Entry(103, "ECONNABORTED", "Software caused connection abort"),
    new Entry(104, "ECONNRESET", "Connection reset by peer"),
    new Entry(105, "ENOBUFS", "No buffer space available"),
    new Entry(106, "EISCONN", "Transport endpoint is already connected"),
    new Entry(107, "ENOTCONN", "Transport endpoint is not connected"),
    new Entry(108, "ESHUTDOWN", "Cannot send after transport endpoint shutdown"),
    new Entry(109, "ETOOMANYREFS", "Too many references: cannot splice"),
    new Entry(110, "ETIMEDOUT", "Connection timed out"),
    new Entry(111, "ECONNREFUSED", "Connection refused"),
    new Entry(112, "EHOSTDOWN", "Host is down"),
    new Entry(113, "EHOSTUNREACH", "No route to host"),
    new Entry(114, "EALREADY", "Operation already in progress"),
    new Entry(115, "EINPROGRESS", "Operation now in progress"),
    new Entry(116, "ESTALE", "Stale file handle"),
    new Entry(117, "EUCLEAN", "Structure needs cleaning"),
    new Entry(118, "ENOTNAM", "Not a XENIX named type file"),
    new Entry(119, "ENAVAIL", "No XENIX semaphores available"),
    new Entry(120, "EISNAM", "Is a named type file"),
    new Entry(121, "EREMOTEIO", "Remote I/O error"),
    new Entry(122, "EDQUOT", "Disk quota exceeded"),
    new Entry(123, "ENOMEDIUM", "No medium found"),
    new Entry(124, "EMEDIUMTYPE", "Wrong medium type"),
    new Entry(125, "ECANCELED", "Operation canceled"),
    new Entry(126, "ENOKEY", "Required key not available"),
    new Entry(127, "EKEYEXPIRED", "Key has expired"),
    new Entry(128, "EKEYREVOKED", "Key has been revoked"),
    new Entry(129, "EKEYREJECTED", "Key was rejected by service"),
    new Entry(130, "EOWNERDEAD", "Owner died"),
    new Entry(131, "ENOTRECOVERABLE", "State not recoverable"),
    new Entry(132, "ERFKILL", "Operation not possible due to RF-kill"),
    new Entry(133, "EHWPOISON", "Memory page has hardware error"),
  };

  private static final Map<Integer, Entry> BY_NUMBER = new HashMap<>();
  private static final Map<String, Integer> BY_TEXT = new HashMap<>();

  static {
    for (Entry entry : ENTRIES) {
      BY_NUMBER.put(entry.number, entry);
      BY_TEXT.put(entry.text.toLowerCase(Locale.ROOT), entry.number);
    }
  }

  private Errno() {}

  /** The kernel's name of the number, such as {@code ENOSPC}; {@code E} and the number where it has none. */
  public static String symbol(int errno) {
    Entry entry = BY_NUMBER.get(errno);
    return entry == null ? "E" + errno : entry.symbol;
  }

  /** What it says to a person. */
  public static String text(int errno) {
    Entry entry = BY_NUMBER.get(errno);
    return entry == null ? "Unknown error " + errno : entry.text;
  }

  /** The number whose {@code strerror(3)} text this is, or {@link #EIO} when it is none of ours. */
  public static int ofText(String text) {
    return BY_TEXT.getOrDefault(text.toLowerCase(Locale.ROOT), EIO);
  }
}
