#!/usr/bin/env python3
"""An independent verifier of a journal, format v1, written from the format document and nothing else.

usage: verify.py [--anchor NOTE]... DIRECTORY [VERIFIER_KEY]...
       verify.py --lines FILE    prints, line by line, what a line alone shows: leaf and each class's state, or what is wrong

Prints one JSON object (exit, findings, streams) and exits with the format's status. An anchor is a signed note that
was kept outside the directory. Standard library only. Segments removed by retention are not known to it.
"""
import base64, datetime, functools, hashlib, json, os, re, sys

EXIT_OF = {"torn_tail": 2, "repeat": 2, "unsigned_entries": 2, "adopted_unsigned": 2, "no_key": 2, "no_anchor": 2,
           "unknown_version": 3, "unknown_kind": 3, "io": 3, "still_there": 4}  # every other finding is tampering: 1
KINDS = {name: number for number, name in enumerate(
    "call begin open close gap recovery checkpoint retention erasure hold key config access heartbeat".split(), 1)}
EVENTS = {"open": "software signed streams", "close": "accepted durable dropped", "heartbeat": "accepted durable dropped",
          "gap": "acc count cause", "recovery": "file bytes lines acc", "checkpoint": "note", "hold": "hold place stream seq reason",
          "key": "use id", "config": "settings", "access": "command filter rows", "retention": "classes stream seq policy count",
          "erasure": "classes stream seq basis count"}
STATUS = {"success", "error", "blocked", "interrupted", "incomplete", "started"}
SEED = ("request_id timestamp user_id model action system_prompt_hash input_tokens output_tokens thinking_tokens latency_ms "
        "cost_usd status error_message sanitization_count input_hash output_hash metadata").split()
TAIL = "conversation_id tenant_id client_address system_prompt input output".split()
RANK = {key: rank for rank, key in enumerate(SEED)} | {key: 18 + rank for rank, key in enumerate(TAIL)}
CLASS = (dict.fromkeys("user_id metadata conversation_id tenant_id client_address".split(), 2)
         | dict.fromkeys("system_prompt_hash input_hash output_hash".split(), 3)
         | dict.fromkeys("system_prompt input output".split(), 4) | {"error_message": 5})
CLASS = dict.fromkeys(SEED, 1) | CLASS
PREFIX = {"actor.": 2, "hash.": 3, "content.": 4, "error.": 5}

STRING = (r'"(?:[^"\\\x00-\x1f\x7f-\x9f\u2028\u2029]++|\\["\\btnfr]'
          r'|\\u(?:00(?:0[0-7be-f]|1[0-9a-f]|7f|[89][0-9a-f])|202[89]))*+"')
NUMBER = r'(?=[-0-9.]{1,40}(?![-0-9.eE+]))(?!-0(?![.]))-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?(?![-0-9.eE+])'
SCALAR = f'(?:{STRING}|{NUMBER}|true|false|null)'
SPELLING = re.compile(rf'(?:{SCALAR}|[{{}}\[\],:])*+')
MEMBER = re.compile(rf'({STRING}):(?:({SCALAR})|(?=[{{\[])),?')
BRACKETS = re.compile(rf'{STRING}|[^"\[\]{{}}]+|(.)')
B32, B16 = r'"([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)"', r'(?:"([A-Za-z0-9+/]{21}[AQgw]==)"|null)'
INT = r'(0|[1-9][0-9]{0,19})'
ENVELOPE = re.compile(rf'\{{"v":1,"stream":"([0-9a-f]{{32}})","seq":{INT},"acc":{INT},"kind":"([a-z0-9]+)","day":{INT},'
                      rf'"prev":{B32},"commit":\[{",".join([B32] * 5)}\],"salt":\[{",".join([B16] * 5)}\]\}}\}}')
NAME = re.compile(r'audit_([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\.([0-9a-f]{8}))?(?:\.([1-9][0-9]*))?\.jsonl')
REQUEST_ID = re.compile(r'[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}')
TIME = re.compile(r"[0-9-]{10}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z")
LINE_BYTES_MAX, RANGE_MAX = 64 << 20, 10_000_000
decode_value, unb64 = json.JSONDecoder().raw_decode, base64.b64decode


class Damaged(Exception):
    pass


class Unknown(Exception):
    pass


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


# --- Ed25519, RFC 8032 section 5.1; a verifier needs no constant time.
P, Q = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(a, b):
    x, y = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    z, w = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = y - x, w - z, w + z, y + x
    return e * f % P, g * h % P, f * g % P, e * h % P


def point(data):
    y, sign = int.from_bytes(data, "little") & ~(1 << 255), data[31] >> 7
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def doublings(a):
    table = [a]
    for _ in range(255):
        table.append(add(table[-1], table[-1]))
    return table


def times(number, table):
    total = (0, 1, 1, 0)
    for bit, a in enumerate(table):
        if number >> bit & 1:
            total = add(total, a)
    return total


BASE = doublings(point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")))


class Key:
    """A verifier key, `name+id+base64`; streams' names and ids follow from it."""

    def __init__(self, text):
        self.name, key_id, data = text.split("+", 2)
        data = unb64(data, validate=True)
        self.public = data[1:]
        a = point(self.public) if data[0] == 1 and len(data) == 33 else None
        if a is None or self.id(self.name).hex() != key_id:
            raise ValueError("not an Ed25519 verifier key with its own id")
        self.table = doublings((P - a[0], a[1], 1, P - a[3]))  # of -A

    def id(self, origin):
        return sha(origin.encode(), b"\n\x01", self.public)[:4]

    def signed(self, text, signature):
        r, s = signature[:32], int.from_bytes(signature[32:], "little")
        if len(signature) != 64 or s >= Q or point(r) is None:
            return False
        k = int.from_bytes(hashlib.sha512(r + self.public + text).digest(), "little") % Q
        found, wanted = add(times(s, BASE), times(k, self.table)), point(r)
        return all((found[i] * wanted[2] - wanted[i] * found[2]) % P == 0 for i in (0, 1))


def read_note(note, stream, keys):
    """Returns (size, root, why not): a checkpoint of the stream, signed by one of the keys."""
    form = re.fullmatch(r'([^\n+\s]+)\n(0|[1-9][0-9]{0,19})\n([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)\n\n((?:\u2014 [^\s+]+ [A-Za-z0-9+/]+=*\n)+)', note)
    if not form or len(note) > 16384:
        return None, None, "form"
    origin, size, root, why = form[1], int(form[2]), unb64(form[3]), None if not keys else "no signature by a known key"
    if not origin.endswith("/" + stream) or keys and all(f"{key.name}/{stream}" != origin for key in keys):
        return size, root, "origin"
    for name, data in re.findall("\u2014 (\\S+) (\\S+)\n", form[4]):
        data = unb64(data)
        for key in keys:
            if name == origin and data[:4] == key.id(origin):
                if not key.signed(note[:note.index("\n\n") + 1].encode(), data[4:]):
                    return size, root, "wrong signature"
                why = None
    return size, root, why


# --- One line.
def unique(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Damaged("a key stands twice")
    return found


def check_depth(text):
    depth = 0
    for bracket in BRACKETS.finditer(text):
        depth += {None: 0, "{": 1, "[": 1}.get(bracket[1], -1)
        if depth > 64:
            raise Damaged("nested too deep")


class Entry:
    def __init__(self, line):
        if len(line) >= LINE_BYTES_MAX:
            raise Damaged("line too long")
        try:
            text = line.decode()
            value = json.loads(text, object_pairs_hook=unique)
            version = value["audit"]["v"]
        except (ValueError, RecursionError, KeyError, TypeError):
            raise Damaged("not a JSON object with an envelope") from None
        if version != 1 and type(version) is int:
            raise Unknown(version)
        if not SPELLING.fullmatch(text):
            raise Damaged("spelling")
        if text.count("{") + text.count("[") > 64:
            check_depth(text)
        self.value, at, rank, self.keys, self.raw = value, 1, -1, [], ([], [], [], [], [], [])
        while not text.startswith('"audit":', at):
            member = MEMBER.match(text, at)
            if not member:
                raise Damaged("members")
            end = member.end() if member[2] else decode_value(text, member.end())[1] + 1
            key = member[1][1:-1]
            own = RANK.get(key, 17)
            if own < rank or own == rank != 17:
                raise Damaged("members out of order")
            rank, at0, at = own, at, end
            self.keys.append(key)
            prefixed = "." in key and next((c for p, c in PREFIX.items() if key.startswith(p)), 1)
            self.raw[CLASS.get(key) or prefixed or 1].append(text[at0:end - 1])
        envelope = ENVELOPE.fullmatch(text, at + 8)
        if not envelope:
            raise Damaged("envelope")
        self.stream, seq, acc, self.kind, day = envelope.groups()[:5]
        self.seq, self.acc, self.day = int(seq), int(acc), int(day)
        later = re.fullmatch(r"x([1-9][0-9]*)", self.kind)
        self.known = self.kind in KINDS
        if not (self.known or later and 15 <= int(later[1]) <= 255) or max(self.seq, self.acc) >> 64 or self.day >> 32:
            raise Damaged("kind or number")
        number = KINDS.get(self.kind) or int(later[1])
        self.prev, *commits = [unb64(hash) for hash in envelope.groups()[5:11]]
        self.states = [self.state(i, commit, salt) for i, commit, salt in zip(range(1, 6), commits, envelope.groups()[11:])]
        self.leaf = sha(b"\0tracing-llm-audit/v1/leaf\n", bytes.fromhex(self.stream), self.seq.to_bytes(8, "big"),
                        self.acc.to_bytes(8, "big"), bytes([number]), self.day.to_bytes(4, "big"), self.prev, *commits)
        self.check_members()

    def state(self, i, commit, salt):
        if salt is None:
            null_seeds = {f'"{key}":null' for key in SEED}
            return "absent" if null_seeds.issuperset(self.raw[i]) else "planted"
        raw = ",".join(self.raw[i]).encode()
        return "holds" if sha(b"tracing-llm-audit/v1/class\n", bytes([i]), unb64(salt), raw) == commit else "edited"

    def check_members(self):
        is_record, value = self.kind in ("call", "begin"), self.value
        if is_record and self.keys[:17] != SEED or self.known and not is_record and self.keys != ["timestamp", "user_id", "event"]:
            raise Damaged("not the members of its kind")
        if "timestamp" in value and (not isinstance(value["timestamp"], str) or not is_time(value["timestamp"])):
            raise Damaged("timestamp")
        if "request_id" in value and not REQUEST_ID.fullmatch(str(value["request_id"])):
            raise Damaged("request_id")
        if not isinstance(value.get("metadata"), (dict, type(None))) or not is_record and not isinstance(value.get("event", {}), dict):
            raise Damaged("metadata or event")


@functools.cache
def is_date(text):
    try:
        datetime.date.fromisoformat(text)
        return bool(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text))
    except ValueError:
        return False


def is_time(text):
    return bool(TIME.fullmatch(text)) and is_date(text[:10])


def are_ranges(ranges, end):
    """Says whether they are `[[first, last], ...]`: inclusive, ascending, disjoint, below the end."""
    last = -1
    for pair in ranges if isinstance(ranges, list) else [None]:
        right = isinstance(pair, list) and len(pair) == 2 and all(type(n) is int for n in pair)
        if not right or not last < pair[0] <= pair[1] < end:
            return False
        last = pair[1]
    return True


class Tree:
    """RFC 6962: every complete subtree's hash, by level."""

    def __init__(self):
        self.levels = [[]]

    def push(self, leaf):
        self.levels[0].append(leaf)
        level = 0
        while len(self.levels[level]) % 2 == 0:
            if level + 1 == len(self.levels):
                self.levels.append([])
            self.levels[level + 1].append(sha(b"\1", *self.levels[level][-2:]))
            level += 1

    def root(self, size):
        node, at = None, 0
        parts = []
        for level in reversed(range(len(self.levels))):
            if size >> level & 1:
                parts.append(self.levels[level][at >> level])
                at += 1 << level
        for part in reversed(parts):
            node = part if node is None else sha(b"\1", part, node)
        return node or sha()


class Stream:
    """One stream: its entries in order, its account of accepted numbers, what is still to be judged at the end."""

    def __init__(self, stream, keys):
        self.id, self.keys, self.findings = stream, keys, []
        self.tree, self.size, self.prev, self.notes, self.introduced = Tree(), 0, bytes(32), [], []
        self.holes, self.greatest, self.written, self.durable, self.dropped = set(), 0, 0, 0, 0
        self.begun, self.pending, self.recovering, self.closed, self.configured = set(), set(), False, None, False
        self.others, self.absent, self.authority, self.adopted, self.damage = [], set(), [], [], None
        self.file, self.line = None, None

    def find(self, code, seq=None, **more):
        self.findings.append({"code": code, "file": self.file, "line": self.line, "stream": self.id,
                              "seq": self.size if seq is None else seq} | more)

    def read(self, segments):
        previous, torn = {}, b""  # Of the segment before: its lines by seq, hashed, and its torn end.
        for self.file, day, path in segments:
            here, at_start, tail = {}, True, b""
            for self.line, line in enumerate(open(path, "rb"), 1):
                if not line.endswith(b"\n"):
                    tail = line
                    break
                line = line[:-1]
                entry = self.parse(line)
                if isinstance(entry, Entry) and at_start and (entry.seq < self.size or torn):
                    if entry.seq < self.size:
                        self.repeat(entry, previous.get(entry.seq) == hash(line))
                        continue
                    self.find("repeat" if line.startswith(torn) else "damaged")
                at_start, torn = False, b""
                if isinstance(entry, Entry):
                    if entry.day != day:
                        self.find("day")
                    here[entry.seq] = hash(line)
                    self.feed(entry)
            if torn:
                self.broken("torn")
            previous, torn = here, tail
        if torn:
            self.broken("torn")

    def repeat(self, entry, is_same):
        if is_same:
            return self.find("repeat", entry.seq)
        known = entry.seq < len(self.tree.levels[0]) and self.tree.levels[0][entry.seq]
        self.find("duplicate" if known == entry.leaf else "fork", entry.seq)

    def broken(self, why):
        if self.damage is None:
            self.damage = self.size, len(self.findings)
        self.find("damaged", why=why)

    def parse(self, line):
        try:
            entry = Entry(line)
        except Damaged as why:
            return self.broken(str(why))
        except Unknown as version:
            self.find("unknown_version", version=version.args[0])
            self.settle()
            self.prev = None
            self.size += 1
            return None
        if entry.stream != self.id:
            return self.find("foreign_line", other=entry.stream)
        return entry

    def settle(self, leaf=None):
        """An unreadable entry's leaf is the next line's prev, proven by the root."""
        if self.prev is None:
            self.tree.push(leaf or bytes(32))

    def feed(self, entry):
        if entry.seq < self.size:
            return self.repeat(entry, False)
        if entry.seq > self.size:
            self.find("missing_entries", count=entry.seq - self.size)
            while self.size < min(entry.seq, self.size + RANGE_MAX):
                self.settle()
                self.prev = None
                self.size += 1
        elif self.prev is not None and entry.prev != self.prev:
            self.find("chain")
        self.settle(entry.prev)
        for i, state in enumerate(entry.states, 1):
            if state in ("edited", "planted"):
                self.find(state, **{"class": i})
            if state != "holds" and state != "edited":
                self.absent.add((entry.seq, i))
        if not entry.known:
            self.find("unknown_kind", kind=entry.kind)
        elif entry.kind in ("call", "begin"):
            self.record(entry)
        else:
            self.own(entry)
        self.tree.push(entry.leaf)
        self.prev, self.size = entry.leaf, self.size + 1

    def number(self, ranges):
        """Takes numbers as written or named; each can be taken once."""
        for first, last in ranges:
            if last - self.greatest > RANGE_MAX:
                return self.find("acc", why="far beyond")
            for n in range(first, last + 1):
                if n > self.greatest:
                    self.holes.update(range(self.greatest + 1, n))
                    self.greatest = n
                elif n in self.holes:
                    self.holes.remove(n)
                else:
                    return self.find("acc", why="taken twice", acc=n)

    def settled(self):
        if self.holes:
            self.find("unnamed_holes", count=len(self.holes), first=min(self.holes))
            self.holes.clear()

    def recovered(self, but=()):
        """What an open must be followed by: at once a recovery where numbers are missing, then the interrupted calls."""
        if self.recovering:
            self.recovering = False
            self.settled()
        if self.pending and "call" not in but:
            self.find("begin_without_call", count=len(self.pending))
            self.pending = set()

    def record(self, entry):
        request, status = entry.value["request_id"], entry.value["status"]
        if status not in STATUS or (status == "started") != (entry.kind == "begin"):
            self.find("status")
        self.recovered({"call"} if request in self.pending and status == "interrupted" else ())
        if self.size == 0 or not self.configured or self.closed is not None:
            self.find("grammar", why="a record without open and config before it")
        self.pending.discard(request)
        (self.begun.add if entry.kind == "begin" else self.begun.discard)(request)
        self.number([(entry.acc, entry.acc)])
        self.written, self.durable = max(self.written, entry.acc), self.durable + 1

    def own(self, entry):
        kind, event, names = entry.kind, entry.value["event"], EVENTS[entry.kind].split()
        if [{"basis": "policy"}.get(k, k) for k in event][:len(names)] != [{"basis": "policy"}.get(k, k) for k in names]:
            return self.find("event", kind=kind)
        if kind not in ("open", "recovery", "checkpoint"):
            self.recovered()
        if (self.size == 0) != (kind == "open") and self.size == 0 or self.closed is not None and kind != "open" and not (
                kind == "checkpoint" and self.closed == self.size - 1):
            self.find("grammar", why=f"{kind} stands where it may not")
        if kind in ("gap", "recovery"):
            self.lost(kind, event)
        if not self.written <= entry.acc <= self.greatest:
            self.find("acc", why="an own kind repeats the greatest", acc=entry.acc)
        getattr(self, "on_" + kind, lambda event: None)(event)

    def lost(self, kind, event):
        if not are_ranges(event["acc"], 1 << 64) or not all(event["acc"][0]) if event["acc"] else False:
            return self.find("event", kind=kind)
        count = sum(last - first + 1 for first, last in event["acc"])
        if kind == "gap" and event["count"] != count:
            self.find("event", kind=kind)
        self.number(event["acc"])
        self.dropped += count
        if kind == "recovery" and self.recovering:
            self.recovering = False
            self.settled()

    def on_open(self, event):
        if type(event["signed"]) is not int or not 0 <= event["signed"] <= self.size:
            return self.find("event", kind="open")
        self.recovering, self.closed, self.pending = True, None, set(self.begun)
        self.adopted.append((event["signed"], self.size))
        self.others += [(self.size, *other) for other in event["streams"]]
        if self.size - event["signed"] > 1000:
            self.find("adopted_unsigned", count=self.size - event["signed"])

    def on_close(self, event):
        self.settled()
        self.closed = self.size
        self.on_heartbeat(event, event["accepted"] == self.greatest)

    def on_heartbeat(self, event, right=True):
        if not right or (event["durable"], event["dropped"]) != (self.durable, self.dropped) or event["accepted"] < self.greatest:
            self.find("account", said=event, counted=[self.greatest, self.durable, self.dropped])

    def on_config(self, event):
        self.configured = True

    def on_key(self, event):
        if event["use"] == "sign" and event.get("action") == "create":
            self.introduced.append((self.size, event.get("public")))

    def on_checkpoint(self, event):
        self.notes.append((event["note"], self.size, self.file, self.line))

    def on_erasure(self, event):
        classes, end = event["classes"], self.size if event["stream"] == self.id else 1 << 64
        if not are_ranges(event["seq"], end) or not set(classes) <= {1, 2, 3, 4, 5} or event["count"] != sum(b - a + 1 for a, b in event["seq"]):
            return self.find("event", kind="authority")
        self.authority.append((self.size, event["stream"], set(classes), event["seq"]))

    on_retention = on_erasure

    def judge_notes(self, outside):
        """Checks every note against the tree, smallest first; returns the signed size."""
        keys, signed, notes = list(self.keys), 0, []
        for note, end, self.file, self.line in self.notes + outside:
            size, root, _ = read_note(note, self.id, [])
            if size is None or size > end:
                self.find("wrong_signature", end, why="no checkpoint, or of more than stands before it")
            else:
                notes.append((size, root, note, self.file, self.line))
        for size, root, note, self.file, self.line in sorted(notes):
            while self.introduced and self.introduced[0][0] < signed:
                keys.append(Key(self.introduced.pop(0)[1]))
            why = read_note(note, self.id, keys)[2]
            if why:
                self.find("wrong_signature", size, why=why)
            elif size > self.size:
                self.find("cut_tail", size, count=size - self.size)
                signed = size
            elif self.tree.root(size) != root:
                self.find("wrong_root", size)
            else:
                signed = size
        return signed

    def judge(self, outside):
        self.settle()
        self.signed = self.judge_notes(outside)
        self.file = self.line = None
        if self.damage and self.damage[0] >= self.signed:
            at, first = self.damage
            self.findings[first:] = [self.findings[first] | {"code": "torn_tail"}]
        if self.size > self.signed:
            self.find("unsigned_entries", self.signed, count=self.size - self.signed)


def read_directory(directory, find):
    """Returns the segments by the name's stream part, in order, and the note of each stream in `checkpoints/`."""
    groups, notes = {}, {}
    for name in sorted(os.listdir(directory)):
        form = NAME.fullmatch(name)
        try:
            if name.endswith(".jsonl") and not (form and is_date(form[1])):
                find("file_name", name)
            elif form:
                day = (datetime.date.fromisoformat(form[1]) - datetime.date(1970, 1, 1)).days
                path = os.path.join(directory, name)
                if os.path.getsize(path):
                    groups.setdefault(form[2] or "", []).append((day, int(form[3] or 0), name, path))
        except OSError as error:
            find("io", name, why=error.strerror)
    folder = os.path.join(directory, "checkpoints")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if re.fullmatch("[0-9a-f]{32}", name):
            with open(os.path.join(folder, name), "rb") as file:
                notes[name] = file.read().decode("utf-8", "replace")
    return {part: [(name, day, path) for day, _, name, path in sorted(group)] for part, group in groups.items()}, notes


def stream_of(part, segments, notes):
    """The stream of a group of files: what its first lines say, else what the name says."""
    for _, _, path in segments:
        with open(path, "rb") as file:
            for line in file:
                named = re.search(rb'"audit":\{"v":[0-9]+,"stream":"([0-9a-f]{32})".*\}\}\n$', line)
                if named and named[1].decode().startswith(part):
                    return named[1].decode()
    return next((n for n in notes if n.startswith(part)), part.ljust(32, "?"))


def judge_authority(streams):
    """Every absent class needs authority with force, and every class that authority names must be absent."""
    gone = {}
    for stream in streams.values():
        for seq, target, classes, ranges in stream.authority:
            has_force = seq < stream.signed and not any(first <= seq < end for first, end in stream.adopted)
            for first, last in ranges if has_force and target in streams else []:
                gone.setdefault(target, set()).update(
                    (n, i) for n in range(first, min(last + 1, streams[target].size)) for i in classes)
    for stream in streams.values():
        allowed = gone.get(stream.id, set())
        for code, found in ("absent_without_authority", stream.absent - allowed), ("still_there", allowed - stream.absent):
            for seq, i in sorted(found):
                stream.find(code, seq, **{"class": i})


def verify(directory, keys, anchors):
    findings, streams = [], {}
    groups, notes = read_directory(directory, lambda code, name, **more: findings.append({"code": code, "file": name} | more))
    for part, segments in groups.items():
        stream = Stream(stream_of(part, segments, notes), keys)
        if stream.id in streams:
            findings.append({"code": "file_name", "file": segments[0][0], "stream": stream.id})
        streams[stream.id] = stream
        stream.read(segments)
    for name in set(notes) - set(streams):
        findings.append({"code": "missing_stream", "stream": name})
    for stream in streams.values():
        outside = [(note, 1 << 64, "anchor", None) for note in anchors if note.split("\n")[0].endswith("/" + stream.id)]
        if not outside:
            findings.append({"code": "no_anchor", "stream": stream.id})
        stream.judge(outside + [(notes[n], 1 << 64, "checkpoints/" + n, None) for n in notes if n == stream.id])
    for stream in streams.values():
        for seq, name, size, root in stream.others:
            other = streams.get(name)
            if other is None or other.size < size:
                stream.find("missing_stream" if other is None else "rollback", seq, other=name)
            elif base64.b64encode(other.tree.root(size)).decode() != root:
                stream.find("fork", seq, other=name)
    judge_authority(streams)
    findings += [finding for stream in streams.values() for finding in stream.findings]
    findings += [] if keys else [{"code": "no_key"}]
    statuses = {EXIT_OF.get(finding["code"], 1) for finding in findings}
    status = next((status for status in (1, 4, 3, 2) if status in statuses), 0)
    about = {stream.id: {"entries": stream.size, "signed": stream.signed, "root": base64.b64encode(stream.tree.root(stream.size)).decode(),
                         "accepted": stream.greatest, "durable": stream.durable, "dropped": stream.dropped,
                         "holes": len(stream.holes), "closed": stream.closed is not None} for stream in streams.values()}
    return {"exit": status, "findings": findings, "streams": about}


def describe(line):
    try:
        entry = Entry(line)
        return " ".join([base64.b64encode(entry.leaf).decode()] + entry.states)
    except (Damaged, Unknown) as why:
        return type(why).__name__.lower()


def main(arguments):
    anchors = []
    if arguments[:1] == ["--lines"]:
        with open(arguments[1], "rb") as file:
            print("\n".join(describe(line.rstrip(b"\n")) for line in file))
        return 0
    while arguments[:1] == ["--anchor"] and len(arguments) > 1:
        with open(arguments[1], encoding="utf-8") as file:
            anchors.append(file.read())
        arguments = arguments[2:]
    if not arguments or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 64
    report = verify(arguments[0], [Key(text) for text in arguments[1:]], anchors)
    print(json.dumps(report, indent=1))
    return report["exit"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
