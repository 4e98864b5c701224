#!/usr/bin/env bash
# Are the Debian packages made and in order, and does what they install work? As root they are installed by dpkg into a
# root folder of their own, otherwise unpacked there.
#
#   deb_test.sh BUILD CPACK CC
set -euo pipefail
source=$(CDPATH='' cd "$(dirname "$0")/../.." && pwd)
build=$1 cpack=$2 cc=$3
for tool in dpkg dpkg-deb dpkg-shlibdeps pkg-config; do
  if ! command -v "$tool" >/dev/null; then
    echo "skipped: $tool is not installed"
    exit 77
  fi
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "deb_test.sh: $*" >&2; exit 1; }

# Packed quickly: nobody downloads these.
"$cpack" --config "$build/CPackConfig.cmake" -B "$work" -D CPACK_DEBIAN_COMPRESSION_TYPE=gzip >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
version=$(sed -n 's/^set(CPACK_PACKAGE_VERSION "\(.*\)")$/\1/p' "$build/CPackConfig.cmake")
architecture=$(dpkg --print-architecture)
runtime=$work/backdrop_${version}_$architecture.deb
development=$work/libbackdrop-dev_${version}_$architecture.deb

# has_field PACKAGE FIELD PATTERN: does the whole field match?
has_field() {
  local value
  value=$(dpkg-deb --field "$1" "$2")
  grep -qE "^$3$" <<<"$value" || fail "$(basename "$1"): $2 is \"$value\""
}

check_metadata() {
  local package=$1
  has_field "$package" Version "$version"
  has_field "$package" Architecture "$architecture"
  has_field "$package" Maintainer '[^<>]+ <[^<> ]+@[^<> ]+>'
  has_field "$package" Installed-Size '[1-9][0-9]*'
  local description
  description=$(dpkg-deb --field "$package" Description)
  (($(wc -l <<<"$description") > 1)) || fail "$(basename "$package") has a summary and no description"
  [[ $(head -1 <<<"$description") =~ ^.{10,79}$ ]] || fail "the summary is \"$(head -1 <<<"$description")\""
  dpkg-deb --info "$package" md5sums >/dev/null || fail "$(basename "$package") has no md5sums"
  # All belongs to root, nobody else writes, and nothing is outside /usr.
  dpkg-deb --contents "$package" >"$work/contents"
  awk '$2 != "root/root" || ($1 !~ /^l/ && $1 ~ /^.{5}w|^.{8}w/) || $6 !~ /^\.\/(usr\/.*)?$/ {print; bad = 1} END {exit bad}' \
    "$work/contents" >&2 || fail "$(basename "$package") has entries that should not be like this"
}

check_metadata "$runtime"
check_metadata "$development"
has_field "$runtime" Section science
has_field "$development" Section libdevel
# From the files themselves, with versions, and nothing that only a build needs.
dpkg-deb --field "$runtime" Depends | tee "$work/depends"
for library in libc6 libdnnl libfmt libjpeg libssl "libstdc[+][+]6"; do
  grep -qE "(^| )${library}[^ ,]* \(>= " "$work/depends" || fail "does not depend on $library"
done
if grep -q -- '-dev' "$work/depends"; then fail "the command depends on a -dev package"; fi
has_field "$development" Depends "backdrop \(= $version\), .*"
dpkg-deb --info "$runtime" shlibs | grep -x "libbackdrop 0 backdrop.*" >/dev/null || fail "other packages cannot depend on the library"
dpkg-deb --info "$runtime" postinst | grep ldconfig >/dev/null || fail "ldconfig is not called"

# A root with what dpkg and the packages' scripts need: a shell and ldconfig.
root=$work/root
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/etc" "$root/usr/bin" "$root/usr/sbin" "$root/bin" "$root/sbin"
touch "$root/var/lib/dpkg/status" "$root/etc/ld.so.conf"
cp -L /bin/sh "$root/bin/sh"
cp -L /sbin/ldconfig "$root/sbin/ldconfig"
ldd /bin/sh | grep -o '/[^ ]*' | xargs -I{} cp -L --parents {} "$root"
if ((EUID == 0)) && chroot "$root" /bin/sh -c : 2>/dev/null; then
  # The libraries that they depend on are in the machine's own root.
  dpkg --root="$root" --force-depends --install "$runtime" "$development" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  # shellcheck disable=SC2016
  [[ $(dpkg-query --admindir="$root/var/lib/dpkg" --show --showformat='${db:Status-Status} ' backdrop libbackdrop-dev) == \
    'installed installed ' ]] || fail "dpkg did not configure the packages"
  chroot "$root" /sbin/ldconfig -p | grep 'libbackdrop.so.0' >/dev/null || fail "ldconfig does not know the library"
  echo "installed by dpkg"
else
  dpkg-deb --extract "$runtime" "$root"
  dpkg-deb --extract "$development" "$root"
fi
usr=$root/usr
for file in bin/backdrop lib/libbackdrop.so.0 share/man/man1/backdrop.1.gz share/bash-completion/completions/backdrop \
  share/zsh/vendor-completions/_backdrop share/fish/vendor_completions.d/backdrop.fish share/doc/backdrop/copyright \
  share/doc/libbackdrop-dev/copyright include/backdrop/backdrop.h include/backdrop/session.h lib/libbackdrop.a \
  lib/libbackdrop.so lib/pkgconfig/backdrop.pc lib/cmake/backdrop/backdrop-config.cmake; do
  [[ -s $usr/$file ]] || fail "no /usr/$file"
done
for development_file in include/ libbackdrop.so libbackdrop.a .pc .cmake; do
  if dpkg-deb --contents "$runtime" | awk '{print $6}' | grep -E "${development_file//./\\.}\$" >/dev/null; then
    fail "$development_file is in the command's package"
  fi
done
zcat "$usr/share/man/man1/backdrop.1.gz" | diff -q - <("$usr/bin/backdrop" manual) || fail "the manual page is another"
if readelf -S "$usr/bin/backdrop" 2>/dev/null | grep '\.symtab' >/dev/null; then fail "the command is not stripped"; fi

"$usr/bin/backdrop" --version | tee "$work/version" | sed -n 1p
grep -qF "$version" "$work/version" || fail "--version says another version"
PKG_CONFIG_PATH=$usr/lib/pkgconfig
export PKG_CONFIG_PATH LD_LIBRARY_PATH=$usr/lib
# shellcheck disable=SC2046
"$cc" -std=c11 "$source/examples/c/classify.c" $(pkg-config --cflags --libs backdrop) -o "$work/classify"
head -c $((224 * 224 * 3)) /dev/zero >"$work/black.rgb"
"$work/classify" "$source/models/demo/demo-resnet18.pt" "$work/black.rgb" | grep -E '^resnet18: class [0-8] of 9$'

# Where the distribution's own checker is there: no errors. It asks for a changelog in Debian's form, which only Debian
# keeps, for a maintainer who can be written to, which is the builder's to give, and for a trigger instead of CPack's postinst.
if command -v lintian >/dev/null; then
  lintian --fail-on error --suppress-tags no-changelog,bogus-mail-host,root-in-contact,lacks-ldconfig-trigger \
    "$runtime" "$development" 2>/dev/null
fi
