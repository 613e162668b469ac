"""The servers to compare: how each is built, and what it serves. `{port}` and `{workers}` stand for what the driver chooses."""

import shutil
import subprocess

from peers import BENCHMARKS, CACHE, Absent, Peer, c_compiler, cargo_build, command, go_build, swift_build

ROOT = BENCHMARKS.parent.parent


def load_generator():
    CACHE.mkdir(exist_ok=True)
    program = CACHE / "load"
    command(c_compiler(), "-O2", "-o", program, BENCHMARKS / "Echo" / "load.c")
    return str(program)


# What Nursery has: the workload, the product, its package with where that is built, and the arguments.
PRODUCTS = [
    ("echo", "EchoServer", BENCHMARKS, "swift", ["{port}", "{workers}"]),
    ("http", "http-server", ROOT, "nursery", ["--plaintext", "--workers", "{workers}", "--port", "{port}"]),
    ("copy", "FileCopy", BENCHMARKS, "swift", []),
]


def nursery(missing, built):
    if built:
        return nursery_from(built, missing)
    programs, version = {}, ""
    for workload, product, package, scratch, arguments in PRODUCTS:
        if f'"{product}"' not in (package / "Package.swift").read_text():
            missing[f"Nursery, {workload}"] = f"{package.name}/Package.swift has no {product}"
            continue
        folder, version = swift_build(product, package, scratch)
        programs[workload] = [f"{folder}/{product}", *arguments]
    return programs, version


def nursery_from(folder, missing):
    programs = {}
    for workload, product, _, _, arguments in PRODUCTS:
        if (folder / product).exists():
            programs[workload] = [str(folder / product), *arguments]
        else:
            missing[f"Nursery, {workload}"] = f"there is no {product} in {folder}"
    return programs, f"from {folder}"


def go(*_):
    program, version = go_build("server")
    return {name: [program, name, "{port}", "{workers}"] for name in ("echo", "http")}, version


def tokio(*_):
    program, version = cargo_build(BENCHMARKS / "Peers" / "Tokio" / "server", "tokio-server")
    return {"echo": [program, "{port}", "{workers}"]}, version


def swift_nio(*_):
    package = BENCHMARKS / "Peers" / "SwiftNIO"
    folder, version = swift_build("SwiftNIOServer", package, "swift-nio")
    exact = (package / "Package.swift").read_text().split('exact: "')[1].split('"')[0]
    return {"echo": [f"{folder}/SwiftNIOServer", "{port}", "{workers}"]}, f"SwiftNIO {exact}, {version}"


def cp(*_):
    program = shutil.which("cp")
    if not program:
        raise Absent("no cp on the path")
    first = subprocess.run([program, "--version"], stdout=subprocess.PIPE, text=True, check=False).stdout.splitlines()
    return {"copy": [program]}, first[0] if first else "cp"


BUILDERS = [("Nursery", True, nursery), ("Go", False, go), ("Tokio", False, tokio), ("SwiftNIO", False, swift_nio),
            ("cp", False, cp)]


def build_all(names, say, built):
    """Builds the peers; returns those present, and the reasons why others, or parts of them, are absent."""
    present, absent = [], {}
    for name, ours, build in BUILDERS:
        if name not in names:
            continue
        say(f"building {name} ...")
        try:
            programs, version = build(absent, built)
            present.append(Peer(name, ours, programs, version))
        except Absent as reason:
            absent[name] = str(reason)
            say(f"  absent: {reason}")
    return present, absent
