"""Nursery's fibers in gdb.

    (gdb) source Examples/Debugger/nursery.py
    (gdb) nursery fibers            the nurseries, their fibers, and what each waits for
    (gdb) nursery fibers reader     only fibers whose line contains "reader"
    (gdb) nursery bt reader         the stack of a fiber: by its name, its number, or the address of its record
    (gdb) nursery bt                the stacks of all fibers that are suspended
    (gdb) nursery fiber reader      bt, frame, up and info registers show that fiber, until `nursery fiber off`

Works on a running process, a stopped one and a core file, on x86-64 and arm64, with or without debug information. The
process does nothing for it: the program keeps a table of the fields' offsets (Sources/CSwitch/switch/debug.c). What a
fiber waits for is told by the type of the object, because no code of the program can run.
"""

import re
import shutil
import struct
import subprocess

import gdb
import gdb.unwinder

VERSION = 1
MOST = 1_000_000  # records in one list: more means that it is damaged
NEVER = (1 << 63) - 1

# What a wait on an object of such a type is called, where the type says it.
WAITS = {
    "Channel": "receive from a Channel{}",
    "NextSource": "receive from a Channel{}",
    "SendSource": "send to a Channel{}",
    "SmallSendSource": "send to a Channel{}",
    "ReserveSource": "to reserve a place in a Channel{}",
    "SwapSource": "swap in a SwapChannel{}",
    "TimerOperation": "a timer",
    "BlockingCall": "a blocking call",
    "NeverOperation": "nothing that ever happens",
}


class Damaged(gdb.GdbError):
    """A record that cannot be read."""


# MARK: Memory


def read(address, size):
    try:
        return bytes(gdb.selected_inferior().read_memory(address, size))
    except (gdb.MemoryError, OverflowError):
        raise Damaged(f"the memory at {address:#x} cannot be read")


def word(address):
    return struct.unpack("<Q", read(address, 8))[0]


def signed(address):
    return struct.unpack("<q", read(address, 8))[0]


def half(address):
    return struct.unpack("<I", read(address, 4))[0]


def relative(address):
    return address + struct.unpack("<i", read(address, 4))[0]


def c_string(address):
    text = b""
    while b"\0" not in text:
        if len(text) > 400:
            raise Damaged(f"the text at {address:#x} has no end")
        # Never across a page, which may be the last one.
        text += read(address + len(text), min(32, 4096 - (address + len(text)) % 4096))
    return text[: text.index(0)].decode("utf-8", "replace")


def swift_string(address):
    """A String, or nil; see swift/stdlib/public/core/StringObject.swift."""
    count, storage = word(address), word(address + 8)
    if storage == 0:
        return None
    if storage >> 61 & 1:
        return struct.pack("<QQ", count, storage)[: storage >> 56 & 15].decode("utf-8", "replace")
    return read((storage & (1 << 60) - 1) + 32, min(count & (1 << 48) - 1, 200)).decode("utf-8", "replace")


def site(address):
    start, length, line = struct.unpack("<QII", read(address, 16))
    return f"{read(start, min(length, 200)).decode('utf-8', 'replace')}:{line}" if start else ""


def packed_site(packed):
    start = packed & (1 << 48) - 1
    return f"{c_string(start)}:{packed >> 48}" if start else ""


# MARK: Swift's types


def type_name(metadata):
    """The name of a class, struct or enum, with its arguments; see swift/include/swift/ABI/Metadata.h."""
    kind = word(metadata)
    if kind == 0:
        description = word(metadata + 40)
    elif kind in (0x200, 0x201, 0x202):
        description = word(metadata + 8)
    elif kind == 0x301:
        return "()" if word(metadata + 8) == 0 else "(...)"
    else:
        return "..."
    flags = half(description)
    if flags & 31 not in (16, 17, 18):
        raise Damaged(f"no type is described at {description:#x}")
    name = c_string(relative(description + 8))
    if not re.fullmatch(r"\w+", name):
        raise Damaged(f"no type has the name at {description:#x}")
    if not flags & 0x80:
        return name
    if kind == 0:
        positive, immediate = struct.unpack("<II", read(description + 28, 8))
        arguments, header = metadata + 8 * (positive - immediate), description + 44
    else:
        arguments, header = metadata + 16, description + 28
    count = struct.unpack("<H", read(header + 8, 2))[0]
    return f"{name}<{', '.join(type_name(word(arguments + 8 * i)) for i in range(min(count, 4)))}>"


def class_name(instance):
    """The name of an object's class; empty if it is no object."""
    try:
        metadata = word(instance)
        return type_name(metadata) if word(metadata) == 0 else ""
    except Damaged:
        return ""


def first_field(instance):
    """The address of the first field that an object's class adds to those of its superclass."""
    return instance + (half(word(word(instance) + 8) + 24) + 7) // 8 * 8


def static_string(instance):
    """The first StaticString among an object's fields, which says for some what they are."""
    for offset in range(first_field(instance) - instance, 160, 8):
        try:
            start, length = word(instance + offset), word(instance + offset + 8)
            text = read(start, length + 1) if 4 < length < 100 else b""
        except Damaged:
            continue
        if text.endswith(b"\0") and re.fullmatch(rb"[ -~]+", text[:-1]):
            return text[:-1].decode()
    return None


# MARK: The records


class Layout:
    """The program's table; its offsets are read as `layout["fiber.id"]`."""

    def __init__(self):
        try:
            found = re.search(r"0x[0-9a-f]+", gdb.execute("info address cs_debug", to_string=True))
        except gdb.error:
            found = None
        if not found:
            raise gdb.GdbError("the program has no symbol cs_debug: it does not contain Nursery, or is stripped")
        try:
            self.address = int(found[0], 16)
            version, _, count = struct.unpack("<QQQ", read(self.address, 24))
            if version != VERSION:
                raise gdb.GdbError(f"the program's table has version {version}; this script reads version {VERSION}")
            places = [(word(self.address + 24 + 16 * i), signed(self.address + 32 + 16 * i)) for i in range(count)]
            self.places = {c_string(name): value for name, value in places}
        except Damaged as damage:
            raise gdb.GdbError(f"the process cannot be read: {damage}; start it, attach to it, or load a core file")

    def __getitem__(self, name):
        place = self.places.get(name, -1)
        if place < 0:
            raise gdb.GdbError(f"no run of fibers has begun yet, or its table lacks {name}")
        return place

    def runs(self):
        """The root scope of each run, with its workers."""
        run = word(self.address + 8)
        for _ in range(MOST):
            if run == 0:
                return
            next_run, root, workers, count = struct.unpack("<QQQQ", read(run, 32))
            yield root, [word(workers + 8 * i) for i in range(min(word(count), 4096))]
            run = next_run


class Fiber:
    def __init__(self, record, world):
        self.record, self.world, layout = record, world, world.layout
        self.id = word(record + layout["fiber.id"])
        self.kind = read(record + layout["fiber.kind"], 1)[0]
        self.name = swift_string(record + layout["fiber.name"])
        self.spawned = site(record + layout["fiber.site"])
        self.saved = word(record + layout["fiber.savedStack"])
        self.is_fresh = word(record + layout["fiber.stack"]) == 0
        self.awaits_turn = read(record + layout["fiber.permit"], 1)[0] == 2

    @property
    def label(self):
        if self.kind == 1:
            return "the root fiber"
        return f'fiber "{self.name}"' if self.name else f"fiber #{self.id}"

    @property
    def state(self):
        world, layout = self.world, self.world.layout
        if self.record in world.running:
            return f"runs on worker {world.running[self.record]}"
        if self.awaits_turn:
            return "waits for its turn in a nursery with a limit"
        if self.is_fresh:
            return "has not begun"
        offers = self.offers
        if offers:
            return "waits for " + ", or ".join(world.wait(offer) for offer in offers)
        if self.record in world.joined:
            return "waits for its children"
        return "can run"

    @property
    def offers(self):
        layout = self.world.layout
        if word(self.record + layout["fiber.claim"]) & 3 != 1:
            return []
        count = half(self.record + layout["fiber.offerCount"])
        first, size = word(self.record + layout["fiber.offers"]), layout["offer.size"]
        offers = [first + size * i for i in range(min(count, 1000))]
        return sorted(offers, key=lambda offer: half(offer + layout["offer.index"]))


class World:
    """What the process was doing when it was stopped."""

    def __init__(self):
        self.layout = Layout()
        self.runs, self.running, self.joined, self.fibers, self.lines = {}, {}, {}, {}, []
        for root, workers in self.layout.runs():
            for index, worker in enumerate(workers):
                self.running[word(worker + self.layout["worker.running"])] = index
            self.runs[root] = len(workers)
        for root in self.runs:
            around = word(root + self.layout["scope.parent"])
            # A run inside another's is part of that one.
            if around and word(around + self.layout["scope.scheduler"]):
                continue
            try:
                self.walk(root)
            except Damaged as damage:
                self.lines.append((1, f"(the rest is damaged: {damage})", None))

    def list(self, first, next_place):
        for _ in range(MOST):
            if first == 0:
                return
            yield first
            first = word(first + next_place)

    def walk(self, root):
        """Notes a scope's fibers and the scopes inside; without recursion, because scopes nest deeply."""
        layout, pending = self.layout, [(root, 0)]
        seen = set()
        while pending:
            scope, depth = pending.pop()
            if scope in seen or len(seen) > MOST:
                raise Damaged(f"the scope at {scope:#x} lies within itself")
            seen.add(scope)
            self.lines.append((depth, self.scope_text(scope), None))
            nursery, own = word(scope + layout["scope.nursery"]), depth + 1
            if scope in self.runs:
                self.add(word(scope + layout["scope.host"]), own)
            if nursery:
                joiner = word(nursery + layout["nursery.joiner"])
                if joiner:
                    self.joined[joiner] = scope
                for child in self.list(word(nursery + layout["nursery.firstChild"]), layout["fiber.next"]):
                    self.add(child, own)
            inner = list(self.list(word(scope + layout["scope.inner"]), layout["scope.next"]))
            pending += [(found, own) for found in reversed(inner)]

    def add(self, record, depth):
        fiber = Fiber(record, self)
        self.fibers[record] = fiber
        self.lines.append((depth, "", fiber))

    def scope_text(self, scope):
        layout = self.layout
        if scope in self.runs:
            return f"run on {self.runs[scope]} worker{'s' if self.runs[scope] > 1 else ''}"
        nursery = word(scope + layout["scope.nursery"])
        kind, name = "scope", ""
        if nursery:
            is_daemons = word(scope + layout["scope.opener"]) == 0
            kind = "daemons" if is_daemons else "nursery"
            path = word(nursery + layout["nursery.path"])
            # A nursery without a name has the path of the one around.
            if path and not is_daemons and path != self.path_around(scope):
                name = f' "{swift_string(path + 16)}"'
        opened = site(scope + layout["scope.site"])
        text = f"{kind}{name}" + (f" opened at {opened}" if opened else "")
        if signed(scope + layout["scope.expiry"]) == -(1 << 63):
            text += ", cancelled"
        elif signed(scope + layout["scope.deadline"]) != NEVER:
            text += ", with a deadline"
        return text

    def path_around(self, scope):
        for around in self.list(word(scope + self.layout["scope.parent"]), self.layout["scope.parent"]):
            nursery = word(around + self.layout["scope.nursery"])
            if nursery:
                return word(nursery + self.layout["nursery.path"])
        return 0

    # What a fiber waits for

    def wait(self, offer):
        try:
            return self.describe(offer)
        except Damaged:
            return "an object that cannot be read"

    def describe(self, offer):
        source = word(offer + self.layout["offer.source"])
        if read(offer + self.layout["offer.isTimeout"], 1)[0]:
            return "its timeout"
        name = class_name(source)
        base, _, arguments = name.partition("<")
        if base == "FiberBody":
            return f"the end of {self.label(word(first_field(source)))}"
        if base == "PermitQueue":
            return f"{self.lock(source) or 'permits: a semaphore, an event or the like'} ({source:#x})"
        if base == "BaseOperationSource":
            return f"{arguments[:-1]} ({source:#x})"
        if base in WAITS:
            text = WAITS[base].format("<" + arguments if arguments else "")
            return text if base in ("TimerOperation", "NeverOperation") else f"{text} ({source:#x})"
        return static_string(source) or f"{name or 'an object'} ({source:#x})"

    def lock(self, permits):
        """Whose lock the permits are: one of the fields refers to its owner, perhaps through a closure's context."""
        for offset in range(first_field(permits) - permits, 200, 8):
            try:
                field = word(permits + offset)
                for candidate in (field, word(field + 16)):
                    if class_name(candidate) == "LockOwner":
                        return self.owner(candidate)
            except Damaged:
                continue
        return None

    def owner(self, owner):
        performer, packed = word(owner + 16), word(owner + 32)
        if not performer:
            return "a FiberMutex"
        return f"a FiberMutex, held by {self.label(performer)} since {packed_site(packed)}"

    def label(self, record):
        fiber = self.fibers.get(record)
        return fiber.label if fiber else "a thread, a task, or a fiber that has ended"

    # Text

    def text(self, pattern):
        """One line for each scope and fiber; for fibers without a name that do the same in one nursery, one for all."""
        lines, groups = [], {}
        for depth, text, fiber in self.lines:
            if fiber is None:
                groups = {}
                lines.append([depth, text, 1])
                continue
            spawned = f" spawned at {fiber.spawned}" if fiber.spawned else ""
            key = fiber.record if fiber.name or fiber.kind == 1 else (spawned, re.sub(r"0x\w+", "", fiber.state))
            if key in groups:
                groups[key][2] += 1
                continue
            groups[key] = [depth, f"{fiber.label}{spawned} {fiber.state}", 1]
            lines.append(groups[key])
        return [
            "  " * depth + (f"{count} like " if count > 1 else "") + text
            for depth, text, count in lines
            if pattern in text
        ]

    def find(self, name):
        fibers = list(self.fibers.values())
        if re.fullmatch(r"0x[0-9a-f]+", name):
            found = [fiber for fiber in fibers if fiber.record == int(name, 16)]
        elif re.fullmatch(r"#?\d+", name):
            found = [fiber for fiber in fibers if fiber.id == int(name.lstrip("#"))]
        else:
            found = [fiber for fiber in fibers if name.strip('"') in (fiber.name, "root" if fiber.kind == 1 else None)]
        if not found:
            raise gdb.GdbError(f"there is no fiber {name}; nursery fibers lists them")
        return found[0]


# MARK: Stacks

# For each processor: its stack pointer and program counter, and where a suspended stack has the registers, from its
# saved stack pointer on; see Sources/CSwitch/switch/switch_<cpu>.S. "size" is what the switch takes of the stack.
FRAMES = {
    "i386:x86-64": {
        "sp": "rsp",
        "pc": "rip",
        "size": 64,
        "saved": {"r15": 8, "r14": 16, "r13": 24, "r12": 32, "rbx": 40, "rbp": 48, "rip": 56},
    },
    "aarch64": {
        "sp": "sp",
        "pc": "pc",
        "size": 176,
        "saved": {**{f"x{number}": 64 + 8 * (number - 19) for number in range(19, 31)}, "pc": 152},
    },
}


class FiberUnwinder(gdb.unwinder.Unwinder):
    """Lets the caller of the selected thread's innermost frame be the frame in which a fiber has left its stack.

    No register is written, so it works on a core file, too.
    """

    def __init__(self):
        super().__init__("nursery fiber")
        self.fiber = None

    def select(self, fiber):
        self.fiber = None
        gdb.invalidate_cached_frames()
        if fiber is None:
            return
        frame = gdb.newest_frame()
        self.machine = FRAMES.get(frame.architecture().name())
        if self.machine is None:
            raise gdb.GdbError(f"no fiber's stack can be read on {frame.architecture().name()}")
        self.top = int(frame.read_register(self.machine["sp"])), int(frame.read_register(self.machine["pc"]))
        self.fiber = fiber
        gdb.invalidate_cached_frames()

    def __call__(self, pending):
        if self.fiber is None:
            return None
        sp, pc = self.machine["sp"], self.machine["pc"]
        top = int(pending.read_register(sp)), int(pending.read_register(pc))
        if top != self.top:
            return None
        # A frame below that of the fiber: gdb ends a backtrace that seems to go back.
        frame = pending.create_unwind_info(FrameID(self.fiber.saved, top[1]))
        values = {name: word(self.fiber.saved + offset) for name, offset in self.machine["saved"].items()}
        values[sp] = self.fiber.saved + self.machine["size"]
        for name, value in values.items():
            frame.add_saved_register(name, gdb.Value(struct.pack("<Q", value), pending.read_register(name).type))
        return frame


class FrameID:
    def __init__(self, sp, pc):
        self.sp, self.pc = gdb.Value(sp), gdb.Value(pc)


def backtrace(fiber):
    """The frames of a suspended fiber as text; the first frame is the thread's, and left out."""
    try:
        unwinder.select(fiber)
        text = gdb.execute("backtrace -frame-arguments none", to_string=True)
    except gdb.error as error:
        text = str(error)
    finally:
        unwinder.select(None)
    frames = re.split(r"^(?=#\d)", text, flags=re.M)[1:]
    renumbered = (re.sub(r"^#(\d+)( *)", lambda match: f"#{int(match[1]) - 1}{match[2]}", frame) for frame in frames[1:])
    return demangled("".join(renumbered))


def demangled(text):
    """With the names of Swift's functions, if the toolchain is on the path; gdb does not know them."""
    program = shutil.which("swift-demangle")
    if program is None or "$s" not in text:
        return text
    run = subprocess.run([program, "--simplified"], input=text, stdout=subprocess.PIPE, text=True)
    return run.stdout if run.returncode == 0 else text


# MARK: Commands


class Nursery(gdb.Command):
    """Nursery's fibers: `nursery fibers`, `nursery bt FIBER`, `nursery fiber FIBER`."""

    def __init__(self):
        super().__init__("nursery", gdb.COMMAND_STACK, prefix=True)


class NurseryFibers(gdb.Command):
    """Lists the nurseries, their fibers, and what each waits for: nursery fibers [TEXT]

    With TEXT, only the lines that contain it."""

    def __init__(self):
        super().__init__("nursery fibers", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        world = World()
        for line in world.text(argument.strip()):
            print(line)
        if not world.runs:
            print("no fibers run")


class NurseryBacktrace(gdb.Command):
    """Prints the stack of a fiber that is suspended: nursery bt [FIBER]

    FIBER is its name, its number, the address of its record, or "root"; without it, all of them."""

    def __init__(self):
        super().__init__("nursery bt", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        world = World()
        fibers = [world.find(argument.strip())] if argument.strip() else list(world.fibers.values())
        for fiber in fibers:
            print(f"{fiber.label} {fiber.state}")
            if fiber.record in world.running:
                print("  its frames are those of a thread: thread apply all bt")
            elif fiber.saved and not fiber.is_fresh:
                print(backtrace(fiber), end="")


class NurseryFiber(gdb.Command):
    """Shows a suspended fiber in place of the selected thread: nursery fiber FIBER, nursery fiber off

    Frame 0 stays the thread's; the fiber's begin at 1. The program's going on ends it."""

    def __init__(self):
        super().__init__("nursery fiber", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        if argument.strip() in ("", "off"):
            return unwinder.select(None)
        world = World()
        fiber = world.find(argument.strip())
        if fiber.record in world.running or fiber.is_fresh or not fiber.saved:
            raise gdb.GdbError(f"{fiber.label} {fiber.state}: it has no suspended stack")
        unwinder.select(fiber)
        gdb.execute("frame 1")


unwinder = FiberUnwinder()
gdb.unwinder.register_unwinder(None, unwinder, replace=True)
gdb.events.cont.connect(lambda event: unwinder.select(None))
for command in (Nursery, NurseryFibers, NurseryBacktrace, NurseryFiber):
    command()
