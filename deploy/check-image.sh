#!/bin/sh
# Checks what the image promises: small, not root, no installer, fit for a read-only file system, and
# the packages that requirements.txt pins and no others, so that the list of `make sbom` is true of it.
#
#   deploy/check-image.sh [IMAGE]        DOCKER=podman, MEGABYTES_MAX=150, TRACING=on if it was built so
set -eu

image=${1:-inventory}
docker=${DOCKER:-docker}
extra=
[ "${TRACING:-off}" != on ] || extra=$(dirname "$0")/../requirements-tracing.txt
# name==version; a pin that is meant for some platforms only has a question mark behind it.
pins=$(sed -n -e 's/^\([a-z0-9.-]*==[^ ]*\) \\$/\1/p' -e 's/^\([a-z0-9.-]*==[^ ]*\) ; .*/\1?/p' \
    "$(dirname "$0")/../requirements.txt" ${extra:+"$extra"})

# As strictly as it is meant to run; nothing is started, so no other service is needed.
"$docker" run --rm --read-only --network none --cap-drop ALL --security-opt no-new-privileges \
    --tmpfs /tmp --env "MEGABYTES_MAX=${MEGABYTES_MAX:-150}" --env "PINS=$pins" "$image" python -c '
import importlib.metadata, importlib.util, os, re, shutil, stat, sys

problems = []
if 0 in (os.getuid(), os.getgid(), *os.getgroups()):
    problems.append(f"runs as {os.getuid()}:{os.getgid()}, groups {os.getgroups()}")
for module in ("pip", "setuptools", "ensurepip", "wheel"):
    # Asked of the interpreter below the virtual environment as well: it is what everybody finds.
    code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is not None)"
    base = os.path.realpath(sys.executable)
    if importlib.util.find_spec(module) or os.spawnv(os.P_WAIT, base, [base, "-I", "-c", code]):
        problems.append(f"holds the Python package {module}")
for tool in ("pip", "pip3", "uv", "gcc", "cc", "make", "strip", "git"):
    if shutil.which(tool):
        problems.append(f"holds the tool {tool}")

pins = os.environ["PINS"].split()
found = {
    re.sub("[-_.]+", "-", package.name).lower() + "==" + package.version
    for package in importlib.metadata.distributions()
}
if others := found - {pin.rstrip("?") for pin in pins}:
    problems.append("holds packages that are not pinned, as " + ", ".join(sorted(others)[:5]))
if missing := {pin for pin in pins if not pin.endswith("?")} - found:
    problems.append("lacks packages that are pinned, as " + ", ".join(sorted(missing)[:5]))

# What lies in the file system, each file once, whatever layers it took. Owners and modes, as no access
# check finds anything writable where the file system is read-only. Links have no mode of their own, and
# the sticky directories of the base (/tmp, /var/tmp, /run/lock) hold nothing that others could replace.
files, writable = {}, []
groups = {os.getgid(), *os.getgroups()}
for directory, subdirectories, names in os.walk("/"):
    subdirectories[:] = [d for d in subdirectories if not os.path.ismount(os.path.join(directory, d))]
    for path in (directory, *(os.path.join(directory, name) for name in names)):
        status = os.lstat(path)
        if path != directory:
            files[status.st_dev, status.st_ino] = status.st_size
        if (
            status.st_uid == os.getuid()
            or (status.st_gid in groups and status.st_mode & stat.S_IWGRP)
            or (status.st_mode & (stat.S_IWOTH | stat.S_ISVTX) == stat.S_IWOTH)
        ) and not stat.S_ISLNK(status.st_mode) and not os.path.ismount(path):
            writable.append(path)
if writable:
    problems.append(f"lets its user write to {len(writable)} places, as " + ", ".join(writable[:5]))
megabytes = sum(files.values()) / 1e6
if megabytes > float(os.environ["MEGABYTES_MAX"]):
    problems.append(f"holds {megabytes:.1f} MB")

print(f"{megabytes:.1f} MB, {len(found)} packages, user {os.getuid()}:{os.getgid()}, Python {sys.version.split()[0]}")
sys.exit("The image " + "; ".join(problems) if problems else 0)
'
