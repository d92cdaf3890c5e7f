#!/bin/sh
# Checks what the image promises: small, not root, no installer, fit for a read-only file system.
#
#   deploy/check-image.sh [IMAGE]        DOCKER=podman, MEGABYTES_MAX=150
set -eu

image=${1:-inventory}
docker=${DOCKER:-docker}

# As strictly as it is meant to run; nothing is started, so no other service is needed.
"$docker" run --rm --read-only --network none --cap-drop ALL --security-opt no-new-privileges \
    --tmpfs /tmp --env "MEGABYTES_MAX=${MEGABYTES_MAX:-150}" "$image" python -c '
import importlib.util, os, shutil, stat, sys

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

print(f"{megabytes:.1f} MB, user {os.getuid()}:{os.getgid()}, Python {sys.version.split()[0]}")
sys.exit("The image " + "; ".join(problems) if problems else 0)
'
