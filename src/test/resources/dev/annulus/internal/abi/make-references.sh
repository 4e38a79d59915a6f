#!/usr/bin/env bash
#
# Regenerates the linux-<architecture>.properties files next to this script from the
# Linux kernel's own uapi headers. See README.md in this directory.
#
# usage: make-references.sh [output-directory]      (default: this script's directory)
#
# environment:
#   LINUX_LIBC_DEV_DEB      a linux-libc-dev package file to use instead of downloading one.
#                           It must be one of the all-architecture packages, of Linux 6.12 or newer.
#   LINUX_LIBC_DEV_SUITE    the Debian suite to download from (default: <this release>-backports)
#   LINUX_LIBC_DEV_VERSION  an exact version to download (default: the newest in the suite)
#   DEBIAN_MIRROR           the archive to download from (default: the one apt already uses)
#   CC_X86_64, CC_AARCH64, CC_RISCV64, CC_PPC64LE, CC_S390X
#                           compilers to use; missing ones are installed with apt-get (needs root)
#
# Needs a Debian machine (or a container) with bash, apt and dpkg-deb.

set -euo pipefail
export LC_ALL=C
umask 022

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:-$here}
mkdir -p "$out"
out=$(cd "$out" && pwd)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

# ------------------------------------------------------------------ architectures
# file name | Debian multiarch triplet | compiler | package of the compiler | further options
architectures='
x86-64  x86_64-linux-gnu      CC_X86_64  gcc-x86-64-linux-gnu       -m64
aarch64 aarch64-linux-gnu     CC_AARCH64 gcc-aarch64-linux-gnu      -mlittle-endian
riscv64 riscv64-linux-gnu     CC_RISCV64 gcc-riscv64-linux-gnu      -mabi=lp64d
ppc64le powerpc64le-linux-gnu CC_PPC64LE gcc-powerpc64le-linux-gnu  -m64
s390x   s390x-linux-gnu       CC_S390X   gcc-s390x-linux-gnu        -m64
'

# ------------------------------------------------------------------ what is looked up

syscalls='io_uring_setup io_uring_enter io_uring_register
  openat close statx ftruncate flock mkdirat unlinkat renameat2 linkat getdents64
  read write pread64 pwrite64 preadv pwritev preadv2 pwritev2
  fsync fdatasync fallocate eventfd2 munmap prctl seccomp gettid getpid tgkill
  utimensat statfs fstatfs prlimit64 madvise sched_yield futex'

constants='
  O_RDONLY O_WRONLY O_RDWR O_CREAT O_EXCL O_TRUNC O_APPEND O_NONBLOCK O_DSYNC O_SYNC __O_SYNC
  O_DIRECT O_DIRECTORY O_NOFOLLOW O_CLOEXEC O_LARGEFILE O_PATH O_TMPFILE __O_TMPFILE
  AT_FDCWD AT_EMPTY_PATH AT_STATX_DONT_SYNC AT_REMOVEDIR AT_SYMLINK_NOFOLLOW AT_SYMLINK_FOLLOW
  AT_STATX_SYNC_AS_STAT
  S_IFMT S_IFDIR S_IFREG S_IFLNK S_IFIFO S_IFCHR S_IFBLK S_IFSOCK
  STATX_BASIC_STATS STATX_BLOCKS STATX_BTIME STATX_DIOALIGN STATX_MNT_ID STATX_MNT_ID_UNIQUE STATX_TYPE STATX_MODE STATX_SIZE
  LOCK_SH LOCK_EX LOCK_NB LOCK_UN
  RWF_NOWAIT RWF_DSYNC RWF_APPEND RWF_HIPRI RWF_SYNC
  FALLOC_FL_KEEP_SIZE
  PROT_READ PROT_WRITE MAP_SHARED MAP_POPULATE MAP_PRIVATE MAP_ANONYMOUS
  EFD_CLOEXEC EFD_NONBLOCK
  DT_UNKNOWN DT_DIR DT_REG DT_LNK
  PR_SET_NO_NEW_PRIVS PR_SET_SECCOMP SECCOMP_MODE_FILTER SECCOMP_RET_ALLOW SECCOMP_RET_ERRNO
  IO_URING_OP_SUPPORTED'

# Every structure: its name, then the members whose offsets are wanted.
structures='
io_uring_sqe: opcode flags ioprio fd off addr len rw_flags fsync_flags poll32_events
  timeout_flags cancel_flags open_flags statx_flags rename_flags unlink_flags hardlink_flags
  user_data buf_index buf_group personality splice_fd_in file_index addr2 addr3
io_uring_cqe: user_data res flags
io_uring_params: sq_entries cq_entries flags sq_thread_cpu sq_thread_idle features wq_fd resv
  sq_off cq_off
io_sqring_offsets: head tail ring_mask ring_entries flags dropped array resv1 user_addr
io_cqring_offsets: head tail ring_mask ring_entries overflow cqes flags resv1 user_addr
io_uring_probe: last_op ops_len resv resv2 ops
io_uring_probe_op: op resv flags resv2
io_uring_getevents_arg: sigmask sigmask_sz min_wait_usec ts
io_uring_rsrc_update: offset resv data
__kernel_timespec: tv_sec tv_nsec
statx: stx_mask stx_blksize stx_attributes stx_nlink stx_uid stx_gid stx_mode stx_ino stx_size
  stx_blocks stx_attributes_mask
  stx_atime stx_atime.tv_sec stx_atime.tv_nsec stx_btime stx_btime.tv_sec stx_btime.tv_nsec
  stx_ctime stx_ctime.tv_sec stx_ctime.tv_nsec stx_mtime stx_mtime.tv_sec stx_mtime.tv_nsec
  stx_rdev_major stx_rdev_minor stx_dev_major stx_dev_minor stx_mnt_id
  stx_dio_mem_align stx_dio_offset_align stx_subvol stx_atomic_write_unit_min
  stx_atomic_write_unit_max stx_atomic_write_segments_max
statx_timestamp: tv_sec tv_nsec
iovec: iov_base iov_len
linux_dirent64: d_ino d_off d_reclen d_type d_name
sock_fprog: len filter
sock_filter: code jt jf k
seccomp_data: nr arch instruction_pointer args
statfs: f_type f_bsize f_blocks f_bfree f_bavail f_files f_ffree f_fsid f_namelen f_frsize
  f_flags
'

includes='
#include <linux/io_uring.h>
#include <linux/stat.h>
#include <linux/fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/eventfd.h>
#include <linux/mman.h>
#include <linux/uio.h>
#include <linux/time_types.h>
#include <linux/prctl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/audit.h>
#include <asm/unistd.h>
#include <asm/errno.h>
#include <asm/statfs.h>

/* What getdents64(2) documents; no uapi header declares it. */
struct linux_dirent64 {
	__u64 d_ino;
	__s64 d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};
#define DT_UNKNOWN 0
#define DT_DIR 4
#define DT_REG 8
#define DT_LNK 10
/* A d_type is the type bits of a mode, moved down by 12. */
_Static_assert(DT_DIR == S_IFDIR >> 12, "DT_DIR");
_Static_assert(DT_REG == S_IFREG >> 12, "DT_REG");
_Static_assert(DT_LNK == S_IFLNK >> 12, "DT_LNK");

#if defined(__x86_64__)
#define AUDIT_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define AUDIT_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define AUDIT_ARCH AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define AUDIT_ARCH AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define AUDIT_ARCH AUDIT_ARCH_S390X
#else
#error unknown architecture
#endif
_Static_assert(sizeof(void *) == 8 && sizeof(long) == 8, "a 64-bit architecture");
'

# ------------------------------------------------------------------ compilers

note() { printf '%s\n' "$*" >&2; }

compiler() { # variable, triplet: the command to use
  local value=${!1:-}
  if [ -n "$value" ]; then
    printf '%s' "$value"
  elif [ "$2" = "$(gcc -dumpmachine 2>/dev/null || true)" ]; then
    printf 'gcc'
  else
    printf '%s-gcc' "$2"
  fi
}

missing=()
while read -r name triplet variable package options; do
  [ -n "$name" ] || continue
  command -v "$(compiler "$variable" "$triplet")" >/dev/null && continue
  if [ "$name" = x86-64 ] && [ "$(dpkg --print-architecture)" = amd64 ]; then package=gcc; fi
  missing+=("$package")
done <<<"$architectures"
if [ ${#missing[@]} -gt 0 ]; then
  note "installing: ${missing[*]}"
  apt-get update >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >&2
fi

# ------------------------------------------------------------------ headers

deb=${LINUX_LIBC_DEV_DEB:-}
if [ -n "$deb" ]; then
  origin='a given package file'
else
  release=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
  suite=${LINUX_LIBC_DEV_SUITE:-$release-backports}
  mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' \
    'Created-By: Packages' | awk -v r="$release" '$2 == r && $3 == "main" { print $1; exit }')}
  if [ -z "$mirror" ]; then
    note 'no Debian mirror found in the configuration of apt: set DEBIAN_MIRROR'
    exit 1
  fi
  origin="Debian $suite"
  # A private configuration, so that the machine's own list of sources stays as it is.
  mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/deb"
  printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' \
    "$mirror" "$suite" >"$work/apt/sources.list"
  apt_options=(
    -o "Dir::Etc::SourceList=$work/apt/sources.list"
    -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$work/apt/lists"
    -o "Dir::Cache=$work/apt/cache"
    -o APT::Sandbox::User=root)
  apt-get "${apt_options[@]}" update >&2
  wanted=linux-libc-dev/$suite
  [ -z "${LINUX_LIBC_DEV_VERSION:-}" ] || wanted=linux-libc-dev=$LINUX_LIBC_DEV_VERSION
  (cd "$work/deb" && apt-get "${apt_options[@]}" download "$wanted" >&2)
  deb=$(echo "$work"/deb/linux-libc-dev_*.deb)
fi
version=$(dpkg-deb --field "$deb" Version)
digest=$(sha256sum <"$deb" | cut -d' ' -f1)
dpkg-deb --extract "$deb" "$work/headers"
note "headers: linux-libc-dev $version ($origin)"

# ------------------------------------------------------------------ one architecture

generate() { # name triplet compiler options
  local name=$1 triplet=$2 cc=$3 options=$4
  local include=$work/headers/usr/include
  if [ ! -d "$include/$triplet/asm" ]; then
    note "the package has no headers for $triplet"
    exit 1
  fi
  # Nothing but the kernel's headers is in reach of the compiler: no libc, no gcc headers.
  local flags=(-std=gnu11 -ffreestanding -nostdinc -w -O1
    -isystem "$include/$triplet" -isystem "$include")
  # shellcheck disable=SC2206
  flags+=($options)

  printf '%s\n' "$includes" >"$work/$name-names.c"
  "$cc" "${flags[@]}" -E -dM "$work/$name-names.c" >"$work/$name.macros"
  "$cc" "${flags[@]}" -E -P -dD "$work/$name-names.c" >"$work/$name.text"
  # All identifiers of the headers, with comments gone: macros and enumerators.
  grep -oE '[A-Za-z_][A-Za-z0-9_]*' "$work/$name.text" | sort -u >"$work/$name.identifiers"

  {
    for n in $constants AUDIT_ARCH; do echo "$n"; done
    for n in $syscalls; do echo "__NR_$n"; done
    # every error number of asm/errno.h
    printf '#include <asm/errno.h>\n' | "$cc" "${flags[@]}" -E -dM - |
      sed -nE 's/^#define (E[A-Z0-9]+) .*/\1/p'
    # every constant of linux/io_uring.h of these families, but for the numbers of the bits of
    # IOSQE_* and the ends of enumerations, which move with each kernel
    grep -E '^(IORING|IOSQE)_[A-Z0-9_]+$' "$work/$name.identifiers" |
      grep -vE '^(IOSQE_.*_BIT|IORING_(OP|REGISTER|RESTRICTION)_LAST|IORING_MAX_.*)$'
  } | sort -u >"$work/$name.wanted"
  comm -12 "$work/$name.wanted" "$work/$name.identifiers" >"$work/$name.found"
  comm -23 "$work/$name.wanted" "$work/$name.identifiers" >"$work/$name.absent"
  if [ -s "$work/$name.absent" ]; then
    note "$name: absent from the headers, left out: $(tr '\n' ' ' <"$work/$name.absent")"
  fi

  # Each value is initialised data: its key, then its 64 bits as 16 hexadecimal digits. Text comes
  # out the same way in every architecture's assembler; nothing is assembled, linked or run.
  {
    printf '%s\n' "$includes"
    cat <<'EOF'
#define DIGIT(x, n) "0123456789abcdef"[((unsigned long long) (long long) (x) >> 4 * (n)) & 15]
#define VALUE(key, x) VALUE_(key, x, __COUNTER__)
#define VALUE_(key, x, count) VALUE__(key, x, count)
#define VALUE__(key, x, count) const struct { char name[sizeof("->" key)], digits[17]; } \
	value_##count = { "->" key, { \
	DIGIT(x, 15), DIGIT(x, 14), DIGIT(x, 13), DIGIT(x, 12), DIGIT(x, 11), DIGIT(x, 10), \
	DIGIT(x, 9), DIGIT(x, 8), DIGIT(x, 7), DIGIT(x, 6), DIGIT(x, 5), DIGIT(x, 4), \
	DIGIT(x, 3), DIGIT(x, 2), DIGIT(x, 1), DIGIT(x, 0), 0 } };
EOF
    while read -r n; do echo "VALUE(\"$n\", $n)"; done <"$work/$name.found"
    local structure='' word
    for word in $structures; do
      case $word in
        *:)
          structure=${word%:}
          echo "VALUE(\"sizeof.$structure\", sizeof(struct $structure))"
          ;;
        *)
          echo "VALUE(\"offsetof.$structure.$word\"," \
            "__builtin_offsetof(struct $structure, $word))"
          ;;
      esac
    done
    echo 'VALUE("sizeof.statfs.f_type", sizeof(((struct statfs *) 0)->f_type))'
  } >"$work/$name.c"
  "$cc" "${flags[@]}" -S -o "$work/$name.s" "$work/$name.c"
  sed -nE 's/^[[:space:]]*\.(string|asciz)[[:space:]]*"(.*)"$/\2/p' "$work/$name.s" |
    awk '/^->/ { key = substr($0, 3); next }
      key != "" && length($0) == 16 && /^[0-9a-f]+$/ { print key, $0 }
      { key = "" }' |
    while read -r key digits; do echo "$key=$((16#$digits))"; done |
    sort -t= -k1,1 >"$work/$name.values"

  local asked
  asked=$(grep -c '^VALUE(' "$work/$name.c")
  if [ "$asked" != "$(wc -l <"$work/$name.values")" ] ||
    [ -n "$(cut -d= -f1 "$work/$name.values" | uniq -d)" ]; then
    note "$name: not every value was found in the assembler text"
    exit 1
  fi

  {
    cat <<EOF
# Constants of the Linux kernel for $name, generated by make-references.sh: do not edit.
#
# Headers:  Debian's linux-libc-dev $version
#           sha256 of the package: $digest
# Compiler: $("$cc" -dumpmachine) gcc $("$cc" -dumpfullversion -dumpversion), with no other header in reach
#
# Values are decimal. Flags of 32 bits are positive numbers, however Java would show them.
# O_* are the kernel's values (asm/fcntl.h): a libc may define O_LARGEFILE as 0.
# DT_* and *.linux_dirent64* are kernel-internal and in no uapi header: the script declares
# them as getdents64(2) documents them, and the compiler checks DT_* against S_IF*.
# AUDIT_ARCH is the AUDIT_ARCH_* constant of this architecture.
EOF
    cat "$work/$name.values"
  } >"$out/linux-$name.properties"
  note "linux-$name.properties: $(wc -l <"$work/$name.values") keys"
}

while read -r name triplet variable package options; do
  [ -n "$name" ] || continue
  generate "$name" "$triplet" "$(compiler "$variable" "$triplet")" "$options"
done <<<"$architectures"
