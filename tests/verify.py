#!/usr/bin/env python3
"""An independent verifier of a journal, format v1, written from the format document and nothing else.

usage: verify.py [--anchor NOTE]... [--tail-key FILE]... DIRECTORY [VERIFIER_KEY]...
       verify.py --receipt TOKEN --answer FILE VERIFIER_KEY   checks a receipt, or its text sibling, against an answer
       verify.py --lines FILE    prints, line by line, what a line alone shows: leaf and each class's state, or what is wrong

Prints one JSON object (exit, findings, adopted, foreign, streams) and exits with the format's status; 64 is a usage
error. An anchor is a signed note that was kept outside the directory. Standard library only. It does not decrypt
sealed content, and knows no retention periods: it checks what the journal's own entries allow and order to be removed.
"""
import base64, binascii, bisect, datetime, functools, hashlib, hmac, itertools, json, os, re, stat, sys

EXIT_OF = ({code: 2 for code in ("torn_tail repeat unsigned_entries adopted_unsigned empty no_key no_anchor "
                                 "size_in_removed").split()}
           | {code: 3 for code in "unknown_version unknown_kind io".split()}
           | {code: 4 for code in "still_there gone_too_early".split()})  # Every other finding is tampering: 1.
NUMBER_MAX, LINE_BYTES_MAX, UNCHECKED_BYTES_MAX, NOTE_BYTES_MAX = 2**53 - 1, 64 << 20, 16 << 20, 16384
KINDS = {name: number for number, name in enumerate(
    "call begin open close gap recovery checkpoint retention erasure hold key config access heartbeat".split(), 1)}
KINDS |= {"x16": 16, "x17": 17}
STATUS = {"success", "error", "blocked", "interrupted", "incomplete", "started"}
SEED = ("request_id timestamp user_id model action system_prompt_hash input_tokens output_tokens thinking_tokens latency_ms "
        "cost_usd status error_message sanitization_count input_hash output_hash metadata").split()
TAIL = "conversation_id tenant_id client_address system_prompt input output".split()
RANK = {key: rank for rank, key in enumerate(SEED)} | {key: 18 + rank for rank, key in enumerate(TAIL)}
CLASS = (dict.fromkeys(SEED, 1) | dict.fromkeys("user_id metadata conversation_id tenant_id client_address".split(), 2)
         | dict.fromkeys("system_prompt_hash input_hash output_hash".split(), 3)
         | dict.fromkeys("system_prompt input output".split(), 4) | {"error_message": 5})
PREFIX = {"actor.": 2, "hash.": 3, "content.": 4, "error.": 5}

STRING = (r'"(?:[^"\\\x00-\x1f\x7f-\x9f\u2028\u2029]++|\\["\\btnfr]'
          r'|\\u(?:00(?:0[0-7be-f]|1[0-9a-f]|7f|[89][0-9a-f])|202[89]))*+"')
NUMBER = r'(?=[-0-9.]{1,40}(?![-0-9.eE+]))(?!-0(?![.]))-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?(?![-0-9.eE+])'
SCALAR = f'(?:{STRING}|{NUMBER}|true|false|null)'
SPELLING = re.compile(rf'(?:{SCALAR}|[{{}}\[\],:])*+')
MEMBER = re.compile(rf'({STRING}):(?:({SCALAR})|(?=[{{\[])),?')
BRACKETS = re.compile(rf'{STRING}|[^"\[\]{{}}]+|(.)')
B32, B16 = r'"([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)"', r'"([A-Za-z0-9+/]{21}[AQgw]==)"'
INT = r'(0|[1-9][0-9]{0,15})'
ENVELOPE = re.compile(rf'\{{"v":1,"stream":"([0-9a-f]{{32}})","seq":{INT},"acc":{INT},"kind":"([a-z0-9]+)","day":{INT},'
                      rf'"prev":{B32},"commit":\[{",".join([B32] * 5)}\],"salt":\[{",".join([f"(?:{B16}|null)"] * 5)}\]'
                      rf'(?:,"mac":{B16})?\}}\}}')
NAME = re.compile(r'audit_([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\.([0-9a-f]{8}))?(?:\.([1-9][0-9]*))?\.jsonl')
REQUEST_ID = re.compile(r'[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}')
TIME = re.compile(r"[0-9-]{10}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z")
NOTE = re.compile(r'([^\n+\s]+)/([0-9a-f]{32})\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)\n\n'
                  r'((?:\u2014 [^\s+]+ (?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\n)+)')
QUOTED_NOTE = re.compile(rb'"note":("(?:[^"\\]|\\.){0,32768}+")')
decode_value, unb64 = json.JSONDecoder().raw_decode, binascii.a2b_base64


class Damaged(Exception):
    """The line, or the range in its event, breaks a rule of the format."""


class WrongEvent(Exception):
    """The event does not have the members of its kind."""


class Unknown(Exception):
    """The line has another version."""


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def b64(data):
    return base64.b64encode(data).decode()


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
    """A verifier key, `name+id+base64`; streams' key names and ids follow from it."""

    def __init__(self, text):
        self.name, key_id, data = text.split("+", 2)
        data = base64.b64decode(data, validate=True)
        self.public = data[1:]
        a = point(self.public) if len(data) == 33 and data[0] == 1 else None
        if a is None or self.id(self.name).hex() != key_id:
            raise ValueError("not an Ed25519 verifier key with its own id")
        self.table = doublings((P - a[0], a[1], 1, P - a[3]))  # Of -A.

    def id(self, origin):
        return sha(origin.encode("utf-8", "surrogatepass"), b"\n\x01", self.public)[:4]

    @functools.cache
    def signed(self, text, signature):
        if len(signature) != 64:
            return False
        r, s = point(signature[:32]), int.from_bytes(signature[32:], "little")
        if s >= Q or r is None:
            return False
        k = int.from_bytes(hashlib.sha512(signature[:32] + self.public + text).digest(), "little") % Q
        found = add(times(s, BASE), times(k, self.table))
        return all((found[i] * r[2] - r[i] * found[2]) % P == 0 for i in (0, 1))


class Note:
    """A checkpoint in a signed note; `ValueError` where the text is none."""

    def __init__(self, text):
        form = NOTE.fullmatch(text) if len(text) <= NOTE_BYTES_MAX else None
        if not form or int(form[3]) > NUMBER_MAX:
            raise ValueError("not a checkpoint in a signed note")
        self.name, self.stream, self.size, self.root = form[1], form[2], int(form[3]), unb64(form[4])
        self.origin, self.text = f"{self.name}/{self.stream}", text[:text.index("\n\n") + 1].encode()
        lines = (line.split(" ") for line in form[5].splitlines())
        texts = [data for _, name, data in lines if name == self.origin]
        self.signatures = [unb64(data) for data in texts]
        if list(map(b64, self.signatures)) != texts:
            raise ValueError("unused bits that are not zero")

    def verdict(self, keys):
        """`good`, or what the finding is called. Without any key nothing can be said against a note."""
        found = "missing_signature" if keys else "good"
        for data in self.signatures:
            for key in keys:
                if key.name == self.name and key.id(self.origin) == data[:4]:
                    if not key.signed(self.text, data[4:]):
                        return "wrong_signature"
                    found = "good"
        return found


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


@functools.cache
def day_of(date):
    """UTC days since 1970-01-01 of `2026-11-22`, or `None`."""
    try:
        is_date = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", date)
        return (datetime.date.fromisoformat(date) - datetime.date(1970, 1, 1)).days if is_date else None
    except ValueError:
        return None


class Entry:
    """What a line alone shows; raises `Damaged` or `Unknown`."""
    __slots__ = "stream seq acc kind day prev leaf mac states known event request status file line digest bytes".split()

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
        keys, raw, at = self.split(text)
        envelope = ENVELOPE.fullmatch(text, at + len('"audit":'))
        if not envelope:
            raise Damaged("envelope")
        self.read_envelope(envelope.groups(), raw)
        self.check_members(keys, value)
        self.event = value.get("event")
        self.request, self.status = value.get("request_id"), value.get("status")

    @staticmethod
    def split(text):
        """The members before the envelope: their keys, their raw text by class, and where the envelope begins."""
        keys, raw, at, rank = [], ([], [], [], [], [], []), 1, -1
        while not text.startswith('"audit":', at):
            member = MEMBER.match(text, at)
            if not member:
                raise Damaged("members")
            end = member.end() if member[2] else decode_value(text, member.end())[1] + 1
            key = member[1][1:-1]
            own_rank = RANK.get(key, 17)
            if own_rank < rank or own_rank == rank != 17:
                raise Damaged("members out of order")
            rank = own_rank
            keys.append(key)
            own_class = CLASS.get(key) or ("." in key and PREFIX.get(key[:key.index(".") + 1])) or 1
            raw[own_class].append(text[at:end - 1])
            at = end
        return keys, raw, at

    def read_envelope(self, groups, raw):
        self.stream, seq, acc, self.kind, day = groups[:5]
        self.seq, self.acc, self.day, self.known = int(seq), int(acc), int(day), self.kind in KINDS
        later = re.fullmatch(r"x([1-9][0-9]{1,2})", self.kind)
        number = KINDS.get(self.kind) or (int(later[1]) if later else 0)
        if not (self.known or 15 <= number <= 255) or max(self.seq, self.acc) > NUMBER_MAX or self.day >> 32:
            raise Damaged("kind or number")
        self.prev, *commits = [unb64(hash) for hash in groups[5:11]]
        self.states = [self.state(i, raw[i], commit, salt) for i, commit, salt in zip(range(1, 6), commits, groups[11:16])]
        self.mac = groups[16] and unb64(groups[16])
        self.leaf = sha(b"\0tracing-llm-audit/v1/leaf\n", bytes.fromhex(self.stream), self.seq.to_bytes(8, "big"),
                        self.acc.to_bytes(8, "big"), bytes([number]), self.day.to_bytes(4, "big"), self.prev, *commits)

    @staticmethod
    def state(i, raw, commit, salt):
        if salt is None:
            return "absent" if all(member in NULL_SEEDS for member in raw) else "planted"
        return "holds" if commitment(i, unb64(salt), ",".join(raw).encode()) == commit else "edited"

    def check_members(self, keys, value):
        is_record = self.kind in ("call", "begin")
        if is_record and keys[:17] != SEED or self.known and not is_record and keys != ["timestamp", "user_id", "event"]:
            raise Damaged("not the members of its kind")
        if "timestamp" in value and not is_time(value["timestamp"]):
            raise Damaged("timestamp")
        request = value.get("request_id", "")
        if "request_id" in value and not (isinstance(request, str) and REQUEST_ID.fullmatch(request)):
            raise Damaged("request_id")
        if not isinstance(value.get("metadata"), (dict, type(None))) or not is_record and not isinstance(value.get("event", {}), dict):
            raise Damaged("metadata or event")


NULL_SEEDS = {f'"{key}":null' for key in SEED}


def commitment(i, salt, raw):
    return sha(b"tracing-llm-audit/v1/class\n", bytes([i]), salt, raw)


def is_time(value):
    return isinstance(value, str) and bool(TIME.fullmatch(value)) and day_of(value[:10]) is not None


# --- Ranges: `[[first, last], ...]`, inclusive, ascending, disjoint; never a loop over the numbers in them.
def is_number(value):
    return type(value) is int and 0 <= value <= NUMBER_MAX


def check_ranges(ranges, first, last):
    """Raises `Damaged` unless they are ranges within first..last; returns how many numbers they have."""
    count, least = 0, first
    for pair in ranges if isinstance(ranges, list) else [None]:
        if not (isinstance(pair, list) and len(pair) == 2 and all(map(is_number, pair)) and least <= pair[0] <= pair[1] <= last):
            raise Damaged("ranges")
        count, least = count + pair[1] - pair[0] + 1, pair[1] + 1
    return count


def merged(ranges):
    """Any ranges as ascending, disjoint ones with something between them."""
    found = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1][1] = max(found[-1][1], last)
        else:
            found.append([first, last])
    return found


def split_by(ranges, named):
    """The parts of the ranges that the named ones (both merged) have, and those that they do not have."""
    inside, outside, at = [], [], 0
    for first, last in ranges:
        while at < len(named) and named[at][1] < first:
            at += 1
        here = at
        while here < len(named) and named[here][0] <= last:
            begin, end = max(first, named[here][0]), min(last, named[here][1])
            outside += [[first, begin - 1]] if first < begin else []
            inside.append([begin, end])
            first, here = end + 1, here + 1
        outside += [[first, last]] if first <= last else []
    return inside, outside


def are_within(ranges, first, last):
    """Whether one of the ranges (merged) has all numbers from first to last."""
    at = bisect.bisect(ranges, [first, NUMBER_MAX + 1]) - 1
    return at >= 0 and ranges[at][1] >= last


def subtrees_of(ranges):
    """The maximal aligned subtrees that cover the ranges, as (first, count)."""
    found = []
    for first, last in ranges:
        while first <= last:
            count = min(first & -first or 1 << 53, 1 << (last - first + 1).bit_length() - 1)
            found.append((first, count))
            first += count
    return found


# --- The members of each kind's event.
def is_text(value):
    return isinstance(value, str)


def is_text_or_null(value):
    return value is None or isinstance(value, str)


def is_stream(value):
    return isinstance(value, str) and bool(re.fullmatch("[0-9a-f]{32}", value))


def is_hash(value):
    return isinstance(value, str) and bool(re.fullmatch(B32, f'"{value}"'))


def is_list_of(*checks):
    def check(value):
        return isinstance(value, list) and all(isinstance(item, list) and len(item) == len(checks)
                                               and all(right(part) for right, part in zip(checks, item)) for item in value)
    return check


def is_any(_):
    return True


def is_class_list(value):
    return isinstance(value, list) and all(type(i) is int and 1 <= i <= 5 for i in value) and len(set(value)) == len(value) > 0


def is_object(value):
    return isinstance(value, dict)


ACCOUNT = {"accepted": is_number, "durable": is_number, "dropped": is_number}
EVENTS = {
    "open": {"software": is_text, "signed": is_number, "streams": is_list_of(is_stream, is_number, is_hash),
             "not_continued": is_list_of(is_stream, is_text), "adopted": is_number},
    "close": ACCOUNT, "heartbeat": ACCOUNT,
    "gap": {"acc": is_any, "count": is_number, "cause": is_text, "seq": is_any},
    "recovery": {"file": is_text, "bytes": is_number, "lines": is_number, "acc": is_any, "foreign": is_number},
    "checkpoint": {"note": is_text},
    "retention": {"classes": is_class_list, "stream": is_stream, "seq": is_any, "policy": is_text, "count": is_number},
    "erasure": {"classes": is_class_list, "stream": is_stream, "seq": is_any, "basis": is_text, "count": is_number},
    "hold": {"hold": is_text, "place": lambda value: isinstance(value, bool), "stream": is_stream, "seq": is_any, "reason": is_text},
    "key": {"use": is_text, "id": is_text, "public": is_text, "action": is_text},
    "config": {"settings": is_object},
    "access": {"command": is_text, "filter": is_any, "rows": is_number},
    "x16": {"decision": lambda value: value in ("approved", "denied", "overridden", "stopped", "reviewed"),
            "request_id": is_text_or_null, "basis": is_text_or_null, "seen_hash": is_text_or_null, "tool_name": is_text_or_null},
    "x17": {"what": lambda value: value in ("model", "prompt", "tools", "policy", "software"),
            "from": is_text_or_null, "to": is_text_or_null}}
# Writers of an earlier release left these out; only a key that has a public half names it.
OPTIONAL = {"open": {"not_continued", "adopted"}, "recovery": {"foreign"}, "key": {"public"}}


def check_event(kind, event, stream, seq, acc):
    """Raises `WrongEvent`, or `Damaged` where a range breaks its rule."""
    checks = EVENTS[kind]
    if kind in ("retention", "erasure"):  # A removal says by what: policy or basis.
        checks = {"policy" if name == "basis" and "policy" in event else "basis" if name == "policy" and "basis" in event else name:
                  check for name, check in checks.items()}
    is_lost = kind == "gap" and event.get("cause") == "segment_lost"
    left_out = OPTIONAL.get(kind, set()) | ({"seq"} if kind == "gap" and not is_lost else set())
    names = [name for name in checks if name not in left_out or name in event and name != "seq"]
    if list(event)[:len(names)] != names or not all(checks[name](event[name]) for name in names):
        raise WrongEvent
    named = check_ranges(event["acc"], 1, acc) if kind in ("gap", "recovery") else 0
    if kind == "gap" and is_lost:
        named = check_ranges(event["seq"], 0, seq - 1) if event["acc"] == [] else -1
    if kind in ("hold", "retention", "erasure"):
        named = check_ranges(event["seq"], 0, seq - 1 if event["stream"] == stream and kind != "hold" else NUMBER_MAX)
    if kind in ("gap", "retention", "erasure") and event["count"] != named or kind == "open" and (
            event["signed"] > seq or event.get("adopted", seq - event["signed"]) != seq - event["signed"]):
        raise WrongEvent
    if kind == "retention" and {"subtrees", "acc", "carried"} & set(event):
        check_segments_removed(event, stream, seq, acc)


def check_segments_removed(event, stream, seq, acc):
    subtrees, carried = event.get("subtrees"), event.get("carried")
    if not is_list_of(is_number, is_number, is_hash)(subtrees) or not is_list_of(is_number, is_text, is_object)(carried):
        raise WrongEvent
    check_ranges(event.get("acc"), 1, acc if event["stream"] == stream else NUMBER_MAX)
    if sorted(event["classes"]) != [1, 2, 3, 4, 5] or [(a, n) for a, n, _ in subtrees] != subtrees_of(event["seq"]):
        raise WrongEvent
    for carried_seq, kind, inner in carried:
        if kind not in ("retention", "erasure", "hold", "gap", "recovery", "key"):
            raise WrongEvent
        check_event(kind, inner, event["stream"], carried_seq, NUMBER_MAX)


def carried_in(event):
    """The live authority that a removal of whole segments carries on, as (kind, event), with what that carries."""
    for _, kind, inner in event.get("carried", ()) if "subtrees" in event else ():
        yield kind, inner
        yield from carried_in(inner) if kind == "retention" else ()


class Tree:
    """One RFC 6962 tree of which leaves and subtrees may be unknown. Costs what is known, not what is claimed."""

    def __init__(self):
        self.nodes, self.claims = {}, {}  # (level, index): hash. Claims are of subtrees whose leaves were removed.

    def node(self, level, index):
        found = self.nodes.get((level, index))
        if found is None and level:
            left = self.node(level - 1, 2 * index)
            right = left and self.node(level - 1, 2 * index + 1)
            found = sha(b"\1", left, right) if right else None
        found = found or self.claims.get((level, index))
        if found:
            self.nodes[level, index] = found
        return found

    def root(self, size):
        """`None` where something below the size is unknown."""
        at, parts = 0, []
        for level in reversed(range(size.bit_length())):
            if size >> level & 1:
                part = self.node(level, at >> level)
                if part is None:
                    return None
                parts.append(part)
                at += 1 << level
        return functools.reduce(lambda right, left: sha(b"\1", left, right), reversed(parts)) if parts else sha()


# --- Files.
def open_file(path):
    """Opens for reading, but follows no link, and waits for nobody who would write to a pipe."""
    return open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def lines_of(path):
    """The lines of a file; one that is longer than any may be is cut, and so damaged."""
    with open_file(path) as file:
        while line := file.readline(LINE_BYTES_MAX + 1):
            if len(line) > LINE_BYTES_MAX and not line.endswith(b"\n"):
                while (more := file.readline(1 << 20)) and not more.endswith(b"\n"):
                    pass
                line = line[:-1] + b"\n"
            yield line


class Directory:
    """The segments of a directory by the stream's part of their names, and the notes in `checkpoints/`."""

    def __init__(self, path):
        self.path, self.findings, self.groups, self.notes, self.is_unread = path, [], {}, {}, False
        for name in self.list(path, ""):
            self.take_segment(name)
        folder = os.path.join(path, "checkpoints")
        for name in self.list(folder, "checkpoints") if os.path.lexists(folder) else []:
            if is_stream(name) and self.size_of(os.path.join(folder, name), "checkpoints/" + name) is not None:
                self.take_note(folder, name)

    def find(self, code, name, **more):
        self.findings.append({"code": code, "file": name} | more)

    def list(self, path, name):
        try:
            if os.path.islink(path) and name:
                self.find("io", name, why="a symbolic link")
                return []
            return sorted(os.listdir(path))
        except OSError as error:
            self.find("io", name or path, why=error.strerror)
            self.is_unread |= not name and not isinstance(error, (FileNotFoundError, NotADirectoryError))
            return []

    def size_of(self, path, name):
        """The size of a regular file; a finding and `None` for anything else."""
        try:
            found = os.lstat(path)
        except OSError as error:
            return self.find("io", name, why=error.strerror)
        return found.st_size if stat.S_ISREG(found.st_mode) else self.find("io", name, why="not a regular file")

    def take_segment(self, name):
        form, path = NAME.fullmatch(name), os.path.join(self.path, name)
        day = day_of(form[1]) if form else None
        if day is None:
            return self.find("file_name", name) if name.endswith(".jsonl") else None
        if self.size_of(path, name):
            self.groups.setdefault(form[2] or "", []).append((day, int(form[3] or 0), name, path))

    def take_note(self, folder, name):
        try:
            with open_file(os.path.join(folder, name)) as file:
                self.notes[name] = file.read(NOTE_BYTES_MAX + 1).decode("utf-8", "replace")
        except OSError as error:
            self.find("io", "checkpoints/" + name, why=error.strerror)

    def stream_of(self, part):
        """The stream of a group of files: what its first lines say, else what a note's name says."""
        for _, _, _, path in sorted(self.groups[part]):
            try:
                for line in lines_of(path):
                    named = re.search(rb'"audit":\{"v":[0-9]+,"stream":"([0-9a-f]{32})".*\}\}\n$', line)
                    if named and named[1].decode().startswith(part):
                        return named[1].decode()
            except OSError:
                continue  # Reading it for its entries says so.
        others = tuple(other for other in self.groups if other)
        named = (note for note in self.notes if note.startswith(part) and (part or not note.startswith(others or "?")))
        return next(named, part.ljust(32, "?"))


class Segment:
    """One file of a stream: its entries in order, `None` for a line that cannot be read, and a torn end."""

    def __init__(self, name, path):
        self.name, self.path, self.lines, self.torn = name, path, [], None

    def repeats(self, before):
        """How many of its first lines the end of the segment before has too; `None` where it is no repeat."""
        digests = [line and line.digest for line in before.lines]
        first = self.lines[0].digest if self.lines and self.lines[0] else None
        start = len(digests)
        if first in digests and first:
            start = len(digests) - 1 - digests[::-1].index(first)
        count = len(digests) - start
        if None in digests[start:] or [line and line.digest for line in self.lines[:count]] != digests[start:]:
            start, count = len(digests), 0
        whole = sum(line.bytes for line in before.lines[start:])
        is_short = whole + len(before.torn or b"") <= UNCHECKED_BYTES_MAX or count + bool(before.torn) <= 2
        if not is_short or not count and not before.torn:
            return None
        if before.torn:
            try:
                following = next(itertools.islice(lines_of(self.path), count, None), b"")
            except OSError:
                following = b""
            return count if following.startswith(before.torn) else None
        return count


# --- One stream.
class Account:
    """The accepted numbers: each is written or named once. Holes are ranges, whatever they claim to hold."""

    def __init__(self):
        self.holes, self.greatest, self.durable, self.dropped = [], 0, 0, 0

    def take(self, first, last):
        """Returns whether the numbers were all free."""
        if first <= self.greatest:
            at = bisect.bisect(self.holes, [first, NUMBER_MAX + 1]) - 1
            end = min(last, self.greatest)
            if at < 0 or self.holes[at][1] < end:
                return False
            begin, stop = self.holes[at]
            self.holes[at:at + 1] = [part for part in ([begin, first - 1], [end + 1, stop]) if part[0] <= part[1]]
        elif first > self.greatest + 1:
            self.holes.append([self.greatest + 1, first - 1])
        self.greatest = max(self.greatest, last)
        return True

    def count(self):
        return sum(last - first + 1 for first, last in self.holes)


class Stream:
    """Everything that was read of one stream. Judged in steps, as later ones need what other streams prove."""

    def __init__(self, stream):
        self.id, self.findings, self.segments, self.damages, self.unknown = stream, [], [], [], {}
        self.entries, self.notes, self.quoted, self.tree, self.account = [], [], set(), Tree(), Account()
        self.events, self.removed, self.adopted = [], [], []
        self.size = self.signed = self.greatest = 0
        self.closed, self.is_unread, self.keys = False, False, []

    def find(self, code, at=None, **more):
        where = {"file": at.file, "line": at.line, "seq": at.seq} if isinstance(at, Entry) else {"seq": at}
        self.findings.append({"code": code, "stream": self.id} | where | more)

    # Step 1: read the lines of all segments, in file order.
    def read(self, group):
        position, before = 0, None
        for day, _, name, path in sorted(group):
            segment = Segment(name, path)
            position = self.read_segment(segment, day, position)
            skip = segment.repeats(before) if before else None
            if skip is not None:
                self.find("repeat", segment.lines[0], count=skip)
            elif before and before.torn:
                self.damages.append(before.torn_at)
            self.entries += [entry for entry in segment.lines[skip or 0:] if entry]
            before = segment
        if before and before.torn:
            self.damages.append(before.torn_at)

    def read_segment(self, segment, day, position):
        waiting = []  # Damages whose position the next entry may show to be lower.
        try:
            for number, line in enumerate(lines_of(segment.path), 1):
                if b'"note":"' in line:
                    self.quoted.update(QUOTED_NOTE.findall(line))
                damage = {"position": position, "file": segment.name, "line": number, "why": "torn"}
                if not line.endswith(b"\n"):
                    segment.torn, segment.torn_at = line, damage
                    break
                entry = self.read_line(line[:-1], damage, waiting)
                segment.lines.append(entry)
                if entry:
                    entry.file, entry.line = segment.name, number
                    entry.digest, entry.bytes = sha(line), len(line)
                    if entry.day != day:
                        self.find("day", entry)
                    for earlier in waiting:
                        earlier["position"] = min(earlier["position"], entry.seq)
                    waiting, position = [], entry.seq
                position += entry is not None or damage.get("is_entry", False)
        except OSError as error:
            self.is_unread = True
            self.findings.append({"code": "io", "file": segment.name, "stream": self.id, "why": error.strerror})
        return position

    def read_line(self, line, damage, waiting):
        try:
            entry = Entry(line)
        except Damaged as why:
            damage["why"] = str(why)
            self.damages.append(damage)
            waiting.append(damage)
            return None
        except Unknown as version:
            damage["is_entry"] = True
            self.unknown.setdefault(damage["position"], damage)
            self.findings.append({"code": "unknown_version", "stream": self.id, "file": damage["file"], "line": damage["line"],
                                  "seq": damage["position"], "version": version.args[0]})
            return None
        if entry.stream == self.id:
            return entry
        self.findings.append({"code": "foreign_line", "stream": self.id, "file": damage["file"], "line": damage["line"],
                              "seq": entry.seq, "other": entry.stream})
        return None

    # Step 2: bring the entries into the order of seq, one for each, and build the tree.
    def arrange(self):
        for before, entry in zip(self.entries, self.entries[1:]):
            if entry.seq < before.seq:
                self.find("reordered", entry)
        by_seq = {}
        for entry in self.entries:
            by_seq.setdefault(entry.seq, []).append(entry)
        self.entries = []
        for seq in sorted(by_seq):
            # Of two that claim one place, the next entry says which it follows.
            followed = {following.prev for following in by_seq.get(seq + 1, [])}
            entry = next((entry for entry in by_seq[seq] if entry.leaf in followed), by_seq[seq][0])
            for other in by_seq[seq]:
                if other is not entry:
                    self.find("duplicate" if other.leaf == entry.leaf else "fork", other)
            if seq in self.unknown:
                self.find("fork", entry)
            self.entries.append(entry)
        self.size = max([entry.seq + 1 for entry in self.entries[-1:]] + [seq + 1 for seq in self.unknown], default=0)
        for entry in self.entries:
            self.take_leaf(entry)
        self.read_events()

    def take_leaf(self, entry):
        before = self.tree.nodes.setdefault((0, entry.seq - 1), entry.prev) if entry.seq else bytes(32)
        if entry.prev != before:
            self.find("chain", entry)
        self.tree.nodes[0, entry.seq] = entry.leaf
        for i, state in enumerate(entry.states, 1):
            if state in ("edited", "planted"):
                self.find(state, entry, **{"class": i})

    def read_events(self):
        """Keeps what own entries say, where it is what was committed, and of the right form."""
        greatest = max((entry.acc for entry in self.entries), default=0)
        for entry in self.entries:
            if not entry.known or entry.kind in ("call", "begin"):
                continue
            try:
                if entry.states[0] != "holds":
                    raise WrongEvent
                # Releases before macs gave an entry the greatest number before those that it names: later entries show them.
                check_event(entry.kind, entry.event, self.id, entry.seq, entry.acc if entry.mac else greatest)
                self.events.append(entry)
                continue
            except Damaged as why:
                self.damages.append({"position": entry.seq, "file": entry.file, "line": entry.line, "why": str(why)})
            except WrongEvent:
                if entry.states[0] == "holds":
                    self.find("event", entry, kind=entry.kind)
            entry.event = None
        self.adopted = merged([e.event["signed"], e.seq - 1] for e in self.of("open") if e.event["signed"] < e.seq)

    def of(self, *kinds):
        return [entry for entry in self.events if entry.kind in kinds]

    def said(self, kind):
        """Yields (seq, event) of the entries of the kind, and of those that a removal of their segment carries on."""
        for entry in self.events:
            if entry.kind == kind:
                yield entry.seq, entry.event
            if entry.kind == "retention":
                yield from ((entry.seq, event) for inner_kind, event in carried_in(entry.event) if inner_kind == kind)

    def claim(self, streams):
        """Gives the removals' subtrees to the trees that lack them; a root proves them right."""
        for _, event in self.said("retention"):
            target = streams.get(event["stream"])
            for first, count, node in event.get("subtrees", ()) if target else ():
                level = count.bit_length() - 1
                target.tree.claims.setdefault((level, first >> level), unb64(node))

    # Step 3: judge the notes.
    def take_notes(self, outside, quoted, keys):
        """Collects every note: of checkpoint entries, of `checkpoints/`, anchors, and quoted anywhere in a line."""
        for entry in self.of("checkpoint"):
            self.take_note(entry.event["note"], entry, entry.seq, entry.file)
        for text, place in outside:
            self.take_note(text, None, NUMBER_MAX, place)
        known = {note.text for note, *_ in self.notes}
        # Where it stands is no proof, as a damaged line may quote anything: a key from outside must have signed it.
        self.notes += [(note, None, "quoted") for note in quoted
                       if note.text not in known and keys and note.verdict(keys) == "good"]
        self.keys = list(keys)

    def take_note(self, text, entry, end, place):
        try:
            note = Note(text)
            if note.stream != self.id or note.size > end:
                raise ValueError("of another stream, or of more than stands before it")
            self.notes.append((note, entry, place))
        except ValueError as why:
            self.find("wrong_signature", entry, place=place, why=str(why))

    def prove(self):
        """Finds the signed size; keys that verified entries introduce count from then on."""
        introduced = [(seq, event["public"]) for seq, event in self.said("key")
                      if event["use"] == "sign" and event["action"] == "create" and "public" in event]
        while True:
            good = [note for note, *_ in self.notes if note.verdict(self.keys) == "good"]
            proven = max((note.size for note in good if note.size <= self.size and self.tree.root(note.size) == note.root), default=0)
            now = [text for seq, text in introduced if seq < proven] if self.keys else []
            introduced = [(seq, text) for seq, text in introduced if seq >= proven]
            if not now:
                break
            for text in now:
                try:
                    self.keys.append(Key(text))
                except (ValueError, IndexError):
                    self.find("event", None, kind="key", why="not a verifier key")
        self.signed = proven
        self.greatest = max((note.size for note in good), default=0)

    def judge_notes(self, is_others_key):
        for note, entry, place in self.notes:
            verdict, root = note.verdict(self.keys), self.tree.root(min(note.size, self.size))
            if verdict != "good":
                if not (is_others_key and verdict == "missing_signature"):
                    self.find(verdict, entry or note.size, place=place, size=note.size)
            elif note.size > self.size:
                if not self.is_unread:
                    self.find("cut_tail", entry or note.size, place=place, count=note.size - self.size)
            elif root is not None and root != note.root:
                self.find("wrong_root", entry or note.size, place=place, size=note.size)
            elif root is None and place == "anchor" and any(a < note.size <= b for a, b in self.removed):
                self.find("size_in_removed", note.size)

    # Step 4: what authority allows to be absent.
    def authorities(self):
        """Yields (kind, event, seq) of removals that have force, and holds, with what they carry."""
        for entry in self.of("retention", "erasure", "hold"):
            if entry.seq < self.signed and not are_within(self.adopted, entry.seq, entry.seq):
                yield entry.kind, entry.event, entry.seq
                for kind, event in carried_in(entry.event):
                    yield kind, event, entry.seq

    def judge_holds(self):
        """Nothing under a hold is named by a removal of the same stream that follows it."""
        holds = {}
        for kind, event, seq in self.authorities():
            if kind == "hold":
                place = holds.setdefault(event["stream"], {}).setdefault(event["hold"], [])
                place[:] = merged(place + event["seq"]) if event["place"] else []
            elif kind in ("retention", "erasure"):
                held = merged(itertools.chain(*holds.get(event["stream"], {}).values()))
                for first, last in split_by(merged(event["seq"]), held)[0]:
                    self.find("gone_too_early", seq, of=event["stream"], first=first, last=last)

    def judge_absence(self, allowed):
        """Compares each class of each entry with what the removals name, by class."""
        for i in range(1, 6):
            ranges = merged(allowed.get(i, []))
            for entry in self.entries:
                is_named, state = are_within(ranges, entry.seq, entry.seq), entry.states[i - 1]
                if is_named != (state == "absent") and state != "planted":
                    self.find("still_there" if is_named else "absent_without_authority", entry, **{"class": i})

    # Step 5: what is missing or damaged, and what the entries say one after the other.
    def judge_lines(self):
        there = merged([[entry.seq, entry.seq] for entry in self.entries] + [[seq, seq] for seq in self.unknown])
        missing = split_by([[0, self.size - 1]] if self.size else [], there)[1]
        missing = split_by(missing, self.removed)[1]
        torn = [damage for damage in self.damages if damage["position"] >= self.greatest]
        for damage in self.damages:
            if damage["position"] < self.greatest:
                self.find("damaged", damage["position"], **{key: damage[key] for key in ("file", "line", "why")})
        if torn:
            first = min(torn, key=lambda damage: damage["position"])
            self.find("torn_tail", first["position"], lines=len(torn), **{key: first[key] for key in ("file", "line", "why")})
            missing = [[a, b] for a, b in missing if a < first["position"]]
        if missing and not self.is_unread:
            lost = merged(itertools.chain(*(event["seq"] for _, event in self.said("gap") if event["cause"] == "segment_lost")))
            named, unnamed = split_by(missing, lost)
            for first, last in unnamed:
                self.find("missing_entries", first, count=last - first + 1)
            for first, last in named:
                self.find("missing_entries", first, count=last - first + 1, cause="segment_lost")
        if self.size > self.greatest:
            self.find("unsigned_entries", self.greatest, count=self.size - self.greatest)

    def judge_macs(self, tail_keys, has_all_tail_keys):
        """Returns how many entries no given tail key fits, and reports them where no key is lacking."""
        unchecked, foreign, seqs, sums = 0, 0, [], [0]
        for entry in self.entries:
            is_right = bool(entry.mac) and any(
                hmac.digest(key, b"llm-audit/v1/tail\n" + entry.leaf, "sha256")[:16] == entry.mac for key in tail_keys)
            if entry.mac and tail_keys and not is_right:
                foreign += 1
                if has_all_tail_keys:
                    self.find("foreign", entry)
            unchecked += 0 if is_right else entry.bytes
            seqs.append(entry.seq)
            sums.append(unchecked)
        return foreign, self.judge_adopted(seqs, sums)

    def judge_adopted(self, seqs, sums):
        adopted = []
        for entry in self.of("open"):
            first, end = entry.event["signed"], entry.seq
            if first < end:
                adopted.append({"stream": self.id, "open": end, "count": end - first, "first": first, "last": end - 1})
                unchecked = sums[bisect.bisect_left(seqs, end)] - sums[bisect.bisect_left(seqs, first)]
                if unchecked > UNCHECKED_BYTES_MAX:
                    self.find("adopted_unsigned", entry, count=end - first, bytes=unchecked)
        return adopted


class Course:
    """Walks the entries in order: which may follow which, and whether the accounts that they give are right.

    After entries that are missing without authority, nothing can be said of either: that they are missing is the finding.
    """

    def __init__(self, stream, removals):
        self.stream, self.account, self.removals = stream, stream.account, removals
        self.begun, self.pending, self.is_recovering, self.is_configured, self.closed_at = set(), set(), False, False, None
        self.next, self.has_removed, self.is_rebased = 0, False, False

    def walk(self):
        for entry in self.stream.entries:
            if entry.seq != self.next and not self.resume(self.next, entry.seq - 1):
                return
            self.next = entry.seq + 1
            if not entry.known:
                self.stream.find("unknown_kind", entry, kind=entry.kind)
            elif entry.kind in ("call", "begin"):
                self.record(entry)
            elif entry.event is None:
                return  # It is damaged or edited; that was said.
            else:
                self.own(entry)
        self.stream.closed = self.closed_at is not None

    def resume(self, first, last):
        """Goes on behind segments that were removed; False where entries are missing without authority."""
        if not are_within(self.stream.removed, first, last):
            return False
        while self.removals and self.removals[0][0] <= last:
            for taken in self.removals.pop(0)[1]:
                self.account.take(*taken)
        self.has_removed = self.is_rebased = self.is_configured = True
        self.closed_at, self.is_recovering, self.pending = None, False, set()
        return True

    def find(self, code, entry, **more):
        self.stream.find(code, entry, **more)

    def settle(self, entry):
        holes = self.account.holes
        if holes:
            self.find("unnamed_holes", entry, count=self.account.count(), first=holes[0][0])
            holes.clear()

    def leave_opening(self, entry, is_interrupted=False):
        """An open is followed at once by a recovery where numbers are missing, then by the interrupted calls."""
        if self.is_recovering:
            self.is_recovering = False
            self.settle(entry)
        if self.pending and not is_interrupted:
            self.find("begin_without_call", entry, count=len(self.pending))
            self.pending = set()

    def record(self, entry):
        if not isinstance(entry.status, str) or entry.status not in STATUS or (entry.status == "started") != (entry.kind == "begin"):
            self.find("status", entry)
        self.leave_opening(entry, entry.request in self.pending and entry.status == "interrupted")
        if entry.seq == 0 or not self.is_configured or self.closed_at is not None:
            self.find("grammar", entry, why="a record without open and config before it")
        self.pending.discard(entry.request)
        (self.begun.add if entry.kind == "begin" else self.begun.discard)(entry.request)
        if not entry.acc or not self.account.take(entry.acc, entry.acc):
            self.find("acc", entry, why="taken twice", acc=entry.acc)
        self.account.durable += 1

    def own(self, entry):
        kind = entry.kind
        if kind not in ("open", "recovery", "checkpoint"):
            self.leave_opening(entry)
        is_after_close = self.closed_at is not None and kind != "open" and not (
            kind == "checkpoint" and self.closed_at == entry.seq - 1)
        if entry.seq == 0 and kind != "open" or is_after_close:
            self.find("grammar", entry, why=f"{kind} may not stand here")
        least = self.account.greatest
        if kind in ("gap", "recovery"):
            self.name_numbers(entry)
        if entry.mac:
            least = self.account.greatest
        if entry.acc > self.account.greatest or entry.acc < least and not self.has_removed:
            self.find("acc", entry, why="an own kind repeats the greatest number so far", acc=entry.acc)
        if kind == "open":
            self.is_recovering, self.closed_at, self.pending = True, None, set(self.begun)
        elif kind == "config":
            self.is_configured = True
        elif kind in ("close", "heartbeat"):
            self.check_account(entry)

    def name_numbers(self, entry):
        for first, last in entry.event["acc"]:
            if not self.account.take(first, last):
                self.find("acc", entry, why="taken twice", acc=first)
            self.account.dropped += last - first + 1
        if entry.kind == "recovery" and self.is_recovering:
            self.is_recovering = False
            self.settle(entry)

    def check_account(self, entry):
        if entry.kind == "close":
            self.settle(entry)
            self.closed_at = entry.seq
        said, account = entry.event, self.account
        if self.is_rebased:  # What removed segments held is not known: the writer's own account is taken on from here.
            self.is_rebased = False
            account.durable, account.dropped = said["durable"], said["dropped"]
        is_right = said["accepted"] == account.greatest or entry.kind == "heartbeat" and said["accepted"] > account.greatest
        if not is_right or (said["durable"], said["dropped"]) != (account.durable, account.dropped):
            self.find("account", entry, said=said, counted=[account.greatest, account.durable, account.dropped])


# --- The directory.
def read_streams(directory):
    streams = {}
    groups = {}
    for part in directory.groups:
        groups.setdefault(directory.stream_of(part), []).append(part)
    for name, parts in groups.items():
        for part in parts[1:] + [part for part in parts[:1] if not name.startswith(part)]:
            directory.find("file_name", sorted(directory.groups[part])[0][2], stream=name)
        streams[name] = Stream(name)
        streams[name].read(itertools.chain(*(directory.groups[part] for part in parts)))
    for stream in streams.values():
        stream.arrange()
    return streams


def read_anchors(paths, findings):
    """The anchors' texts by stream; one without the form of a note is under an empty name."""
    anchors = {}
    for path in paths:
        try:
            with open(path, "rb") as file:
                text = file.read(NOTE_BYTES_MAX + 1).decode("utf-8", "replace")
        except OSError as error:
            findings.append({"code": "io", "file": path, "why": error.strerror})
            continue
        try:
            anchors.setdefault(Note(text).stream, []).append(text)
        except ValueError as why:
            findings.append({"code": "wrong_signature", "place": "anchor", "file": path, "why": str(why)})
    return anchors


def judge_removals(streams):
    """Gathers by target what may be absent: whole segments, and classes of entries; judges the classes."""
    allowed, removals = {}, {}
    for stream in streams.values():
        stream.judge_holds()
        for kind, event, _ in stream.authorities():
            target = streams.get(event["stream"]) if kind in ("retention", "erasure") else None
            if target is None:
                continue
            for i in event["classes"]:
                allowed.setdefault(target.id, {}).setdefault(i, []).extend(event["seq"])
            if "subtrees" in event and event["seq"]:
                target.removed += event["seq"]
                removals.setdefault(target.id, []).append((event["seq"][0][0], event["acc"]))
    for stream in streams.values():
        stream.removed = merged(stream.removed)
        stream.judge_absence(allowed.get(stream.id, {}))
        Course(stream, sorted(removals.get(stream.id, []))).walk()


def judge_others(streams, named, findings):
    """What streams, notes and anchors say of other streams: absent, shorter, or another history."""
    for name in sorted(named - set(streams)):
        findings.append({"code": "missing_stream", "stream": name})
    for stream in streams.values():
        said = set()
        for entry in stream.of("open"):
            for name, size, root in entry.event["streams"]:
                other = streams.get(name)
                code = "missing_stream" if other is None else "rollback" if other.size < size else "fork"
                known = other and other.tree.root(min(size, other.size))
                is_right = code == "fork" and (known is None or b64(known) == root) or code == "rollback" and other.is_unread
                if not is_right and (code, name) not in said:
                    said.add((code, name))
                    stream.find(code, entry, other=name)


def quoted_notes(streams):
    """Every note in any line of any file, damaged or not, by the stream that it is of."""
    found = {}
    for text in set().union(*(stream.quoted for stream in streams.values())):
        try:
            note = Note(json.loads(text))
            found.setdefault(note.stream, []).append(note)
        except ValueError:
            continue
    return found


def judge(streams, notes, anchors, keys, tail_keys, findings):
    quoted = quoted_notes(streams)
    for stream in streams.values():
        stream.claim(streams)
    for stream in streams.values():
        texts = [(text, "anchor") for text in anchors.get(stream.id, [])]
        texts += [(notes[stream.id], "checkpoints/" + stream.id)] if stream.id in notes else []
        stream.take_notes(texts, quoted.get(stream.id, []), keys)
        stream.prove()
        if not any(place == "anchor" for _, _, place in stream.notes):
            findings.append({"code": "no_anchor", "stream": stream.id})
    judge_removals(streams)
    verified = [entry for stream in streams.values() for entry in stream.events if entry.seq < stream.signed]
    other_key = {name for entry in verified if entry.kind == "open"
                 for name, why in entry.event.get("not_continued", []) if why == "other_key"}
    named = {event["id"] for stream in streams.values() for seq, event in stream.said("key")
             if event["use"] == "tail" and seq < stream.signed}
    has_all_tail_keys = named <= {sha(key).hex()[:8] for key in tail_keys}
    foreign, adopted = [], []
    for stream in streams.values():
        stream.judge_notes(stream.id in other_key)
        stream.judge_lines()
        count, ranges = stream.judge_macs(tail_keys, has_all_tail_keys)
        foreign += [{"stream": stream.id, "count": count}] if count else []
        adopted += ranges
    return foreign, adopted


def verify(path, keys, anchor_paths, tail_keys):
    directory = Directory(path)
    findings = directory.findings
    anchors = read_anchors(anchor_paths, findings)
    streams = read_streams(directory)
    foreign, adopted = judge(streams, directory.notes, anchors, keys, tail_keys, findings)
    # Of a directory that could not be read, nothing is known to be absent.
    judge_others(streams, set() if directory.is_unread else set(directory.notes) | set(anchors), findings)
    if not any(stream.size for stream in streams.values()):
        findings.append({"code": "empty"})
    if not keys:
        findings.append({"code": "no_key"})
    for stream in streams.values():
        findings += stream.findings
    statuses = {EXIT_OF.get(finding["code"], 1) for finding in findings}
    return {"exit": next((status for status in (1, 4, 3, 2) if status in statuses), 0), "findings": findings,
            "adopted": adopted, "foreign": foreign, "streams": {stream.id: summary(stream) for stream in streams.values()}}


def summary(stream):
    account, root = stream.account, stream.tree.root(stream.size)
    return {"entries": stream.size, "signed": stream.signed, "root": root and b64(root), "accepted": account.greatest,
            "durable": account.durable, "dropped": account.dropped, "holes": account.count(), "closed": stream.closed}


# --- Receipts.
class Bytes:
    """Reads a token from the front; `ValueError` where it ends too early."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        self.at += count
        if self.at > len(self.data):
            raise ValueError("too short")
        return self.data[self.at - count:self.at]

    def number(self, count):
        return int.from_bytes(self.take(count), "big")


def root_by_proof(leaf, index, size, proof):
    """RFC 9162 section 2.1.3.2: the root that the proof gives; another number of hashes is not right."""
    last, node = size - 1, leaf
    for hash in proof:
        if last == 0:
            raise ValueError("proof too long")
        if index & 1 or index == last:
            node = sha(b"\1", hash, node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = sha(b"\1", node, hash)
        index, last = index >> 1, last >> 1
    if last:
        raise ValueError("proof too short")
    return node


def read_head(data):
    """Returns stream, seq, leaf, raw(3), and of the receipt: salt, answer's hash, timestamp, model."""
    version, shown = data.number(1), data.number(1)
    place = data.take(16 + 8 + 8 + 1 + 4 + 32)
    if (version, shown, place[32]) != (1, 0x24, 1):
        raise ValueError("not a receipt of a call")
    commits, raw = [], b""
    for i in range(1, 6):
        if shown >> i - 1 & 1:
            salt = data.take(16)
            raw = data.take(data.number(4))
        commits.append(commitment(i, salt, raw) if shown >> i - 1 & 1 else data.take(32))
    receipt = data.take(16), data.take(32), data.take(27), data.take(data.number(2))
    leaf = sha(b"\0tracing-llm-audit/v1/leaf\n", place, *commits)
    return place[:16].hex(), int.from_bytes(place[16:24], "big"), leaf, raw.decode(), receipt


def read_token(text):
    """Returns the head, the note's size, the proof, and a function from the root to the note; of the text sibling too."""
    if text.startswith("c2sp.org/tlog-proof@v1\n"):
        lines, note = text.split("\n\n", 1)
        _, extra, index, *proof = lines.split("\n")
        data = Bytes(base64.b64decode(extra.removeprefix("extra "), validate=True))
        head = read_head(data)
        note = Note(note.rstrip("\n") + "\n")
        if data.at != len(data.data) or index != f"index {head[1]}":
            raise ValueError("index or extra")
        return head, note.size, [base64.b64decode(hash, validate=True) for hash in proof], lambda root: (note, note.root == root)
    padded = text.strip() + "=" * (-len(text.strip()) % 4)
    data = Bytes(base64.b64decode(padded, altchars=b"-_", validate=True))
    head = read_head(data)
    proof = [data.take(32) for _ in range(data.number(1))]
    origin = data.take(data.number(1)).decode() + "/" + head[0]
    size, signatures = data.number(8), ""
    for _ in range(data.number(1)):
        name = data.take(data.number(1)).decode() or origin
        signatures += f"\u2014 {name} {b64(data.take(data.number(2)))}\n"
    if data.at != len(data.data) or b64(data.data).translate(str.maketrans("+/", "-_")).rstrip("=") != text.strip():
        raise ValueError("something follows")
    return head, size, proof, lambda root: (Note(f"{origin}\n{size}\n{b64(root)}\n\n{signatures}"), True)


def check_receipt(token, answer, key):
    """Raises `ValueError` with what is wrong."""
    (stream, seq, leaf, raw, (salt, answer_hash, timestamp, model)), size, proof, note_of = read_token(token)
    if not seq < size <= NUMBER_MAX or any(len(hash) != 32 for hash in proof):
        raise ValueError("not in the tree")
    note, is_root = note_of(root_by_proof(leaf, seq, size, proof))
    if not is_root or note.stream != stream or note.verdict([key]) != "good":
        raise ValueError("wrong root or signature")
    members = json.loads("{" + raw + "}", object_pairs_hook=lambda pairs: pairs)
    said = {"answer": answer_hash.hex(), "model": model.decode(), "timestamp": timestamp.decode()}
    receipt = "sha256:" + sha(salt, json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()).hex()
    if [value for name, value in members if name == "hash.receipt"] != [receipt]:
        raise ValueError("wrong hash.receipt")
    if any(CLASS.get(name, 3 if name.startswith("hash.") else 1) != 3 for name, _ in members):
        raise ValueError("a key of another class")
    if sha(answer) != answer_hash:
        raise ValueError("another answer")
    return {"stream": stream, "seq": seq, "timestamp": said["timestamp"], "model": said["model"]}


def receipt(token, answer, key):
    try:
        return {"exit": 0, "findings": []} | check_receipt(token, answer, key)
    except (ValueError, Damaged, RecursionError) as why:
        return {"exit": 1, "findings": [{"code": "receipt", "why": str(why)}]}


# --- The command line.
def describe(line):
    try:
        entry = Entry(line)
        return " ".join([b64(entry.leaf)] + entry.states)
    except (Damaged, Unknown) as why:
        return type(why).__name__.lower()


def read_whole(path):
    with open(path, "rb") as file:
        return file.read()


def parse(arguments):
    """Returns what is to be done, as a function; `ValueError` or `OSError` where that is not clear."""
    options = {"--anchor": [], "--tail-key": [], "--receipt": [], "--answer": [], "--lines": []}
    while arguments and arguments[0] in options:
        name, value, *arguments = arguments
        options[name].append(value)
    if options["--lines"]:
        lines = read_whole(options["--lines"][0]).split(b"\n")
        return lambda: print("\n".join(map(describe, lines[:-1] if lines[-1] == b"" else lines))) or 0
    if options["--receipt"]:
        (token,), (answer,), (key,) = options["--receipt"], options["--answer"], arguments
        answer, key = read_whole(answer), Key(key)
        return lambda: show(receipt(token, answer, key))
    directory, *keys = arguments
    keys, tail_keys = [Key(key) for key in keys], [read_whole(path) for path in options["--tail-key"]]
    if directory.startswith("-") or any(len(key) != 32 for key in tail_keys):
        raise ValueError("unknown option, or a tail key that is not 32 bytes")
    return lambda: show(verify(directory, keys, options["--anchor"], tail_keys))


def show(report):
    print(json.dumps(report, indent=1))
    return report["exit"]


def main(arguments):
    try:
        task = parse(arguments)
    except (ValueError, IndexError, OSError) as why:
        print(f"{__doc__}\n{why}", file=sys.stderr)
        return 64
    return task()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
